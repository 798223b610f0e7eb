/* SPDX-License-Identifier: MIT */
/* In place of entry.S: symbols for HOST_RIP, and a VM entry that does what a test says. */
#ifndef EXITMETER_CORE_TESTS_STUB_ENTRY_H
#define EXITMETER_CORE_TESTS_STUB_ENTRY_H

#include "../vmx/vcpu.h"

/* Called by vmx_enter(); NULL: each entry fails with VMfailInvalid. */
extern enum vmx_failure (*stub_guest)(struct vcpu *vcpu);

extern const char vmx_exit_off[], vmx_exit_counts[], vmx_exit_stamps[], vmx_exit_full[];
extern const char vmx_exit_hardware[], vmx_exit_pmu[], vmx_exit_floor[];

#endif
