/* SPDX-License-Identifier: MIT */
/*
 * The few services the core asks of its surroundings. The image (core/boot), the hosted tests and
 * later a Linux module each bring their own; the core knows nothing else of where it runs.
 */
#ifndef EXITMETER_CORE_PLATFORM_H
#define EXITMETER_CORE_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_SIZE 4096ull

/* CPU numbers are below this; the core keeps a record for each. */
#define PLATFORM_CPUS_MAX 64u

/*
 * count physically contiguous pages, zeroed, their physical address a multiple of alignment bytes
 * (a power of two, at least PAGE_SIZE). The caller owns them. NULL if there are none.
 */
void *platform_pages_allocate(size_t count, uint64_t alignment);

/* Gives back what platform_pages_allocate() returned; NULL is allowed. */
void platform_pages_free(void *pages, size_t count);

/* Physical address of memory that platform_pages_allocate() returned, or of something inside. */
uint64_t platform_physical(const void *address);

/*
 * The other way round: where the byte at a physical address, and the rest of its page, can be read
 * and written. NULL if it is out of reach.
 */
void *platform_at(uint64_t physical);

/*
 * A line, or a part of one, for the person who reads the console. printf's
 * %s %c %u %d %x %llu %llx with width and zero padding.
 */
void platform_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * A VM exit has acknowledged an external interrupt with this vector. True if it was the host's own,
 * and has been served; false if nobody here asked for it, so that it is a guest's.
 */
bool platform_interrupt(uint8_t vector);

/*
 * Takes the external interrupt that waits for this CPU: its vector, or -1 if there is none any
 * more. It is a guest's, whatever its vector: neither served nor ended here.
 */
int platform_take_interrupt(void);

/*
 * A VM exit was caused by an NMI. True if it was the host's own, and has been served; false if
 * nobody here asked for it, so that it is a guest's.
 */
bool platform_nmi(void);

/* Whether an NMI that is a guest's has come to this CPU outside of it since the last call. */
bool platform_nmi_waits(void);

/* NMIs that came to this CPU outside of guests, ever; modulo 2^32. */
uint32_t platform_nmi_count(void);

/*
 * Whose this CPU's local APIC is from now on. The guest's: nothing is asked of it any more. The
 * host's: it is as the host needs it, whatever a guest has done to it. anew: even if it was so
 * before; else that costs nothing. What is requested or in service there, kicks too, is dropped.
 */
void platform_apic_is_guests(bool guests, bool anew);

/* EOI for an interrupt that is not the host's, and of which the guest cannot tell this CPU. */
void platform_end_of_interrupt(void);

/*
 * At this time of the TSC, or soon after, this CPU is interrupted once, so that a guest exits; at
 * once if it has passed. Takes the place of what was asked before; 0: of nothing.
 */
void platform_timer(uint64_t tsc);

/* Number of this CPU: 0 for the one that booted, then counting up. */
uint32_t platform_cpu_number(void);

/*
 * Sends another CPU an interrupt of the host's own: if that CPU runs a guest, the guest takes a VM
 * exit, and platform_interrupt() will know it. If it runs none, the interrupt waits for the next VM
 * entry there, or ends in the host. Nothing on a number that is no CPU's. Under a policy without
 * external-interrupt exiting the interrupt is the guest's: it goes through the guest's IDT and the
 * guest is not left; one to whom the policy gives the CPU's own APIC can hold it back by its TPR.
 */
void platform_kick(uint32_t cpu);

#endif
