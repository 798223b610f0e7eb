/* SPDX-License-Identifier: MIT */
/* A CPU in VMX operation with a vCPU, its EPT and the bitmaps of a policy. */
#ifndef EXITMETER_CORE_TESTS_VCPU_FIXTURE_H
#define EXITMETER_CORE_TESTS_VCPU_FIXTURE_H

#include "stub_entry.h"
#include "tests.h"

#include "../vmx/vmxon.h"

extern struct vmx_cpu fixture_cpu;
extern struct ept fixture_ept;
extern struct vcpu *fixture_vcpu;
extern struct vcpu_policy fixture_policy; /* asks for nothing */

int vcpu_setup(void **state);
int vcpu_teardown(void **state);

#define vcpu_test(function) cmocka_unit_test_setup_teardown(function, vcpu_setup, vcpu_teardown)

#endif
