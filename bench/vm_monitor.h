/* SPDX-License-Identifier: MIT */
/* What can be said of a monitor from inside: of one that knows nothing of us. */
#ifndef EXITMETER_BENCH_VM_MONITOR_H
#define EXITMETER_BENCH_VM_MONITOR_H

#include "../guests/results.h"
#include "monitor.h"

/* The name of the policy that stands for whatever the monitor does. */
#define VM_OWN_POLICY "vm"

/* By what the guest-only image has found; accelerator: of QEMU, if it is known, else NULL. */
struct monitor *vm_monitor(const struct results_header *header, const char *accelerator);

#endif
