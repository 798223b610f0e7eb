/* SPDX-License-Identifier: MIT */
/* Where guests run: their memory, what is mapped of it and what is not, and the vCPU. */
#ifndef EXITMETER_GUESTS_IMAGE_ROOM_H
#define EXITMETER_GUESTS_IMAGE_ROOM_H

#include "../../core/vmx/dirty_log.h"
#include "../../core/vmx/performance.h"
#include "../../core/vmx/vcpu.h"
#include "../plan.h"
#include "device.h"
#include "other.h"

struct driver;

#define ROOM_BITMAP_PAGES 5u /* MSR, I/O A, I/O B; two of the ports that are emulated */

/*
 * The policy as the core takes it, with its bitmaps copied to the first three of those pages. What
 * it says of MSRs that are emulated or refused stays in the plan, and is read as it is applied.
 */
struct vcpu_policy room_policy(uint8_t *bitmaps, const struct plan_policy *from);

/* Copies to the last two which ports are emulated, as ports.ones has it; NULL if none is. */
const uint8_t *room_ports_emulated(uint8_t *bitmaps, const struct plan_policy *from);

/* A region of large pages on demand, for the job that wants one (large_pages.h). */
struct room_large {
    void *page;     /* of the host, behind all of them; NULL: there is no such region */
    size_t pages;   /* of 4 KiB, in it */
    uint64_t first; /* guest-physical */
};

/* All jobs share it. */
struct room {
    struct driver *driver;
    char *guest_memory;
    uint8_t *bitmaps; /* ROOM_BITMAP_PAGES */
    struct ept ept;
    void *apic_page; /* the APIC-access page, for policies that virtualize accesses to it */
    struct demand demand;
    struct room_large large;
    struct dirty_log log; /* of GUEST_LOGGED_BASE; on for the rows that want it */
    struct device device;
    struct mmio mmio;
    struct ports ports;
    bool cr3_target; /* the next room_apply() has GUEST_PAGE_TABLES as a CR3-target value */
    struct vcpu_policy policy; /* in force */
    struct vcpu *vcpu;
    struct performance performance; /* of the job under way */
    struct other other;             /* the second CPU, where there is one */
};

/* Makes all of it; NULL, or why not. What was made before a failure stays: the image ends then. */
const char *room_furnish(struct room *room, const struct vmx_capability *capability);

/* Gives back all that room_furnish() has taken. */
void room_clear(struct room *room);

/* Whether the device's ports are there from the next room_apply() on. */
void room_set_ports(struct room *room, bool there);

/* Puts the policy in force; false, with the vCPU's stop, if it cannot be. */
bool room_apply(struct room *room, const struct plan_policy *policy);

#endif
