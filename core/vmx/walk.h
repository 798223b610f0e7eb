/* SPDX-License-Identifier: MIT */
/*
 * Guest memory by linear address, as the guest's own CPU would reach it: the guest's page tables
 * under every paging mode (SDM Vol. 3A chapter 4), then EPT. Nothing outside what EPT maps is read
 * or written, whatever the guest's tables say.
 *
 * Not applied: protection keys and shadow stacks. VMREADs the current VMCS.
 */
#ifndef EXITMETER_CORE_VMX_WALK_H
#define EXITMETER_CORE_VMX_WALK_H

#include "vcpu.h"

/* Page-fault error code, SDM Vol. 3A figure 4-12. */
#define PAGE_FAULT_PRESENT  (1u << 0)
#define PAGE_FAULT_WRITE    (1u << 1)
#define PAGE_FAULT_USER     (1u << 2)
#define PAGE_FAULT_RESERVED (1u << 3)
#define PAGE_FAULT_FETCH    (1u << 4)

/* Kinds of access, at the guest's privilege level; the bits are those of the error code. */
#define GUEST_READ  0u
#define GUEST_WRITE PAGE_FAULT_WRITE
#define GUEST_FETCH PAGE_FAULT_FETCH
/* With the above: implicit supervisor access (to the GDT, a TSS, ...), SDM Vol. 3A 4.6.1. */
#define GUEST_SYSTEM (1u << 31)

/* How an access ended. What is not GUEST_REACHED has moved no byte. */
enum guest_reached {
    GUEST_REACHED = 0,
    GUEST_PAGE_FAULT,    /* #PF: fault.address is for CR2, fault.error the error code */
    GUEST_NOT_CANONICAL, /* #SS(0) if through the stack segment, else #GP(0) */
    GUEST_OUTSIDE,       /* EPT does not allow it: fault.address is guest-physical */
};

struct guest_fault {
    uint64_t address;
    uint32_t error;
    bool translated; /* GUEST_OUTSIDE: the address is the memory's own, not that of a table */
};

/* All that translation depends on but memory itself. */
struct guest_paging {
    const struct ept *ept;
    uint64_t root;        /* guest-physical address of the topmost table */
    uint64_t pdpte[4];    /* PAE paging: the page-directory pointers the CPU has loaded */
    uint64_t linear_mask; /* bits of a linear address that count */
    uint8_t levels;       /* 0 no paging, 2 32-bit, 3 PAE, 4 and 5 */
    bool user;            /* CPL 3 */
    bool large_4m;        /* CR4.PSE, which 32-bit paging alone asks for */
    bool write_protect, no_execute, smep, smap;
    bool access_ac; /* RFLAGS.AC: SMAP lets explicit accesses pass */
};

/* A piece of guest memory, in up to two pages, at its host addresses. */
struct guest_span {
    uint8_t *at[2];
    size_t bytes[2]; /* the second is 0 if one page holds it all */
};

/* Takes the mode the guest is in from the VMCS: valid until the guest is entered again. */
void guest_paging_read(struct guest_paging *paging, const struct vcpu *vcpu);

/*
 * Translates [linear, linear + size), 1 to PAGE_SIZE bytes, and sets accessed and dirty flags, all
 * of it or nothing. Linear addresses wrap at 4 GiB outside 64-bit mode.
 */
enum guest_reached guest_reach(const struct guest_paging *paging, uint64_t linear, size_t size,
                               unsigned access, struct guest_span *span, struct guest_fault *fault);

/* Between a span, once reached, and memory of the core's own. */
void guest_span_read(const struct guest_span *span, void *buffer);
void guest_span_write(const struct guest_span *span, const void *buffer);

/* guest_paging_read(), guest_reach() and the copy in one; access is GUEST_READ or GUEST_FETCH ...
 */
enum guest_reached guest_read(const struct vcpu *vcpu, uint64_t linear, void *buffer, size_t size,
                              unsigned access, struct guest_fault *fault);

/* ... or GUEST_WRITE; each with GUEST_SYSTEM or without. */
enum guest_reached guest_write(const struct vcpu *vcpu, uint64_t linear, const void *buffer,
                               size_t size, unsigned access, struct guest_fault *fault);

/* The first size bytes of the instruction at CS:RIP. The CPU has checked the CS limit. */
enum guest_reached guest_fetch(const struct vcpu *vcpu, void *buffer, size_t size,
                               struct guest_fault *fault);

#endif
