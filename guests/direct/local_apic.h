/* SPDX-License-Identifier: MIT */
#ifndef EXITMETER_GUESTS_DIRECT_LOCAL_APIC_H
#define EXITMETER_GUESTS_DIRECT_LOCAL_APIC_H

/*
 * This CPU's local APIC as a row expects it, whatever the row before has left: in x2APIC mode if it
 * has one, enabled, its TPR 0, its timer stopped, nothing pending and nothing in service.
 */
void local_apic_anew(void);

#endif
