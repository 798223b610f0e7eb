/* SPDX-License-Identifier: MIT */
/* Where guests run: their memory, what is mapped of it and what is not, and the vCPU. */
#ifndef EXITMETER_GUESTS_IMAGE_ROOM_H
#define EXITMETER_GUESTS_IMAGE_ROOM_H

#include "../../core/vmx/vcpu.h"
#include "../plan.h"
#include "device.h"

struct driver;

/* All jobs share it. */
struct room {
    struct driver *driver;
    char *guest_memory;
    uint8_t *bitmaps; /* MSR, I/O A, I/O B: a page each; two of the ports that are emulated */
    struct ept ept;
    void *apic_page; /* the APIC-access page, for policies that virtualize accesses to it */
    struct demand demand;
    struct device device;
    struct mmio mmio;
    struct ports ports;
    struct vcpu *vcpu;
};

/* Makes all of it; NULL, or why not. What was made before a failure stays: the image ends then. */
const char *room_furnish(struct room *room, const struct vmx_capability *capability);

/* But the memory, which the image leaves behind. */
void room_clear(struct room *room);

/* Puts the policy in force; false, with the vCPU's stop, if it cannot be. */
bool room_apply(struct room *room, const struct plan_policy *policy);

#endif
