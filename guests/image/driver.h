/* SPDX-License-Identifier: MIT */
/* Runs a plan: each job's benchmark, under its policy, through its phases, into the results. */
#ifndef EXITMETER_GUESTS_IMAGE_DRIVER_H
#define EXITMETER_GUESTS_IMAGE_DRIVER_H

#include "../../core/vmx/vcpu.h"
#include "../../core/vmx/vmxon.h"
#include "../../probes/ring.h"
#include "../results.h"

struct driver {
    const struct plan_header *plan; /* has passed plan_check() */
    const void *blob;               /* as the loader passed it: not checked yet */
    uint64_t blob_size;
    const struct vmx_cpu *vmx; /* this CPU, in VMX operation */
    struct probe_cpu *probes;  /* this CPU's, where GS points */
    struct results_header *results;
    void (*begins)(uint32_t job); /* told before each job; NULL: nobody is */
    uint32_t cpus;                /* that run; the others are in core/boot/smp.h */
};

/*
 * NULL once every job has ended, failed ones included: their results say so. Else why no job could
 * be run at all.
 */
const char *driver_run(struct driver *driver);

/* The parts of it that any guest's results take: what the machine is, and controls in force. */
void driver_describe(struct driver *driver);
void driver_note_controls(const struct vcpu *vcpu, struct controls_in_force *into);

#endif
