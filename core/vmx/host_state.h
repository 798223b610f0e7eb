/* SPDX-License-Identifier: MIT */
/* The host-state area of the VMCS: what a VM exit loads (SDM Vol. 3C 25.5). */
#ifndef EXITMETER_CORE_VMX_HOST_STATE_H
#define EXITMETER_CORE_VMX_HOST_STATE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Writes this CPU's present state, so that it holds on the CPU that calls it and until CR0, CR3,
 * CR4, segments or the tables change: once a bind, never on the exit path. HOST_RIP and HOST_RSP
 * are the vCPU's to write. False if a VMWRITE failed; *first_failure is then the field.
 */
bool host_state_write(uint32_t *first_failure);

#endif
