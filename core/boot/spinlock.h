/* SPDX-License-Identifier: MIT */
/* A lock between CPUs, held with interrupts off, for moments. */
#ifndef EXITMETER_CORE_BOOT_SPINLOCK_H
#define EXITMETER_CORE_BOOT_SPINLOCK_H

#include "../x86/instructions.h"

struct spinlock {
    bool taken;
};

/* Not for one who holds it already. Returns what spinlock_release() wants back. */
static inline uint64_t spinlock_take(struct spinlock *lock)
{
    uint64_t flags = x86_interrupts_off();

    while (__atomic_exchange_n(&lock->taken, true, __ATOMIC_ACQUIRE))
        while (__atomic_load_n(&lock->taken, __ATOMIC_RELAXED))
            __builtin_ia32_pause();
    return flags;
}

static inline void spinlock_release(struct spinlock *lock, uint64_t flags)
{
    __atomic_store_n(&lock->taken, false, __ATOMIC_RELEASE);
    x86_interrupts_restore(flags);
}

#endif
