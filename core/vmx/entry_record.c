/* SPDX-License-Identifier: MIT */
#include "entry_record.h"

#include "../../probes/probe_cpu.h"
#include "../x86/instructions.h"

#ifdef EXITMETER_SIMULATED
extern struct probe_cpu simulated_probe_cpu;
#define THIS_CPU (&simulated_probe_cpu)
#else
#define THIS_CPU ((__seg_gs struct probe_cpu *)0)
#endif

/* It left the guest, and the stamps are those of the moment that was noticed. */
static void keep(enum vcpu_path path, uint64_t error)
{
    uint64_t now = x86_rdtsc();

    *THIS_CPU->next = (struct record){
        .entered = now,
        .reason = RECORD_REASON_VMFAIL,
        .flags = RECORD_VMFAIL | RECORD_LEFT,
        .dispatched = now,
        .handled = now,
        .detail = error,
    };
    if (THIS_CPU->next == THIS_CPU->end && THIS_CPU->full)
        THIS_CPU->full(THIS_CPU->next);
    else if (THIS_CPU->next == THIS_CPU->end)
        THIS_CPU->discarded++;
    else
        THIS_CPU->next =
            (struct record *)((char *)THIS_CPU->next + probe_record_size((uint32_t)path));
}

void entry_record_failure(enum vcpu_path path, uint64_t error)
{
    if (path == VCPU_PATH_COUNTS)
        THIS_CPU->totals.exits[PROBE_REASON_VMFAIL]++;
    else if (path >= VCPU_PATH_STAMPS && path <= VCPU_PATH_PMU)
        keep(path, error);
}
