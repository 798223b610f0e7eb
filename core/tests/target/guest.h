/* SPDX-License-Identifier: MIT */
/* Guests of the self-test: 32 KiB of memory, page tables, a few bytes of code, a vCPU. */
#ifndef EXITMETER_CORE_TESTS_TARGET_GUEST_H
#define EXITMETER_CORE_TESTS_TARGET_GUEST_H

#include "../../vmx/vcpu.h"

#define GUEST_PAGES 8u

/* Guest-physical and linear: the first 2 MiB are mapped to themselves. */
#define GUEST_TABLES 0x1000ull /* PML4, PDPT, page directory */
#define GUEST_CODE   0x4000ull
#define GUEST_DATA   0x5000ull /* one page, shared with another guest where a test wants it */
#define GUEST_STACK  0x8000ull

struct guest {
    char *memory;
    struct ept ept;
    struct vcpu *vcpu;
    const struct vcpu_policy *policy;
    uint64_t rsi, rdx; /* as it starts */
};

/* Code of guests.S: position-independent, RDI is GUEST_DATA, RSI and RDX are the caller's. */
struct guest_code {
    const char *start, *end;
};
#define GUEST_CODE_OF(name) ((struct guest_code){program_##name, program_##name##_end})
#define GUEST_PROGRAM(name) extern const char program_##name[], program_##name##_end[];
GUEST_PROGRAM(count)    /* forever: RBX up by one, [RDI] = RBX, HYPERCALL_PHASE_DONE */
GUEST_PROGRAM(endless)  /* interrupts on; forever: [RDI] up by one */
GUEST_PROGRAM(pingpong) /* RSI rounds: [RDI + RDX] up, wait for [RDI + 8 - RDX], CPUID; done */
GUEST_PROGRAM(sends) /* INIT, SIPI, then RSI times vector RDX to APIC id 1, [RDI] to follow; done */
GUEST_PROGRAM(
    interrupted) /* RSI interrupts by 0x51, each [RDI] up, 50 of them in HLT; done. Wants tables */
GUEST_PROGRAM(exits)  /* a few exits, all registers on the stack after each; done. Wants tables */
GUEST_PROGRAM(storms) /* forever: exits of many kinds, commands at CPU 0; [RDI] up by one */
GUEST_PROGRAM(sends_nmis) /* forever: an NMI to APIC id 0, now and then; [RDI] up by one */
GUEST_PROGRAM(measures)   /* RSI CPUIDs, what each takes from [RDI + 64] on; done. Wants tables */
GUEST_PROGRAM(floor)      /* three CPUIDs as the floor's exit stub wants them; done */
GUEST_PROGRAM(real)       /* real mode: [GUEST_DATA] = 100; done */
#undef GUEST_PROGRAM

/*
 * A guest at the start of its code, under a policy that lets everything pass but interrupts; its
 * vCPU is bound to this CPU. shared: page to have at GUEST_DATA in place of its own, or NULL. False
 * if anything failed; guest_destroy() either way.
 */
bool guest_create(struct guest *guest, struct guest_code code, void *shared, uint64_t rsi,
                  uint64_t rdx);

/* The same with the core's local APIC in place of the CPU's, and HLT for the core to see. */
bool guest_create_apart(struct guest *guest, struct guest_code code, void *shared, uint64_t rsi,
                        uint64_t rdx);

/* The same, and every MSR, port, and load of CR3 exits. */
bool guest_create_intercepted(struct guest *guest, struct guest_code code);

/* What an interrupt or NMI wants of a guest in 64-bit mode: for LGDT at 0x900, for LIDT at 0x910.
 */
void guest_give_tables(struct guest *guest, uint8_t vector, uint64_t handler);

/* To the start of its code once more, whatever became of it; its memory stays as it is. */
bool guest_restart(struct guest *guest);

/* False if the vCPU is bound to another CPU: then nothing is freed. */
bool guest_destroy(struct guest *guest);

/* A guest's quadword, which it may be writing. */
static inline uint64_t guest_quadword(const struct guest *guest, uint64_t address)
{
    return __atomic_load_n((const uint64_t *)(guest->memory + address), __ATOMIC_ACQUIRE);
}

#endif
