/* SPDX-License-Identifier: MIT */
/*
 * Virtual-processor identifiers (SDM Vol. 3C 29.1): 1 to 65535, as 0 is the host's. One vCPU each,
 * on whatever CPU it runs. Any CPU may call, at any time.
 */
#ifndef EXITMETER_CORE_VMX_VPID_H
#define EXITMETER_CORE_VMX_VPID_H

#include <stdint.h>

/*
 * The lowest that nobody has; 0 if all are taken. Translations of the one who had it before may lie
 * in any CPU: vcpu_bind() invalidates them.
 */
uint16_t vpid_allocate(void);

void vpid_free(uint16_t vpid);

#endif
