/* SPDX-License-Identifier: MIT */
/*
 * What a VM exit and a VM entry take beside the core's own ticks, measured on the vCPU that the
 * user's guest is about to run on.
 */
#ifndef EXITMETER_GUESTS_IMAGE_MACHINE_TRANSITION_H
#define EXITMETER_GUESTS_IMAGE_MACHINE_TRANSITION_H

#include "../../core/vmx/vcpu.h"
#include "../loader/loader.h"
#include "../profile.h"

#define TRANSITION_EXITS 64u /* gaps that are measured */

/* Bytes of the ring that it takes: a header, its records, and the spare one. */
#define TRANSITION_RING ((1 + TRANSITION_EXITS + 3) * RECORD_SIZE)

/*
 * Runs VMCALLs that do nothing, one right behind the other, in the mode that the vCPU has been
 * started in, from a page of the guest's conventional memory to which nothing has been loaded, and
 * which is as it was afterwards. What has been loaded must be there already. The vCPU, which takes
 * the path VCPU_PATH_FULL, is to be started anew. into->count is 0 if it could not be measured.
 */
void machine_transition(struct vcpu *vcpu, struct probe_cpu *probes,
                        const struct load_result *loaded, const struct load_range *ranges,
                        unsigned range_count, void *ring, struct profile_transition *into);

#endif
