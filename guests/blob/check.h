/* SPDX-License-Identifier: MIT */
/* Checks: rows that prove behaviour. One that fails reports the line it stands on. */
#ifndef EXITMETER_GUESTS_BLOB_CHECK_H
#define EXITMETER_GUESTS_BLOB_CHECK_H

#include "exception.h"
#include "row.h"

#include "../../core/x86/control_registers.h"

#define EXPECT(condition)                      \
    do {                                       \
        if (!(condition))                      \
            leave(HYPERCALL_FAILED, __LINE__); \
    } while (0)

/* It raised this exception, and nothing else. TRY() is exception.h's. */
#define EXPECT_EXCEPTION(vector, try) EXPECT(!(try) && exception_vector == (vector))

#define VECTOR_DB 1u
#define VECTOR_UD 6u
#define VECTOR_GP 13u
#define VECTOR_PF 14u

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid r;
    __asm__ volatile("cpuid"
                     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                     : "a"(leaf), "c"(subleaf));
    return r;
}

#define CPUID_1_ECX_MONITOR (1u << 3)
#define CPUID_1_ECX_PCID    (1u << 17)
#define CPUID_1_ECX_XSAVE   (1u << 26)
#define CPUID_1_ECX_OSXSAVE (1u << 27)
#define CPUID_1_ECX_RDRAND  (1u << 30)

static inline bool cpu_has(uint32_t leaf_1_ecx)
{
    return cpuid(1, 0).ecx & leaf_1_ecx;
}

/* read_NAME(), and write_NAME(), which tells whether it completed. */
#define CHECK_REGISTER(name)                                          \
    static inline uint64_t read_##name(void)                          \
    {                                                                 \
        uint64_t value;                                               \
        __asm__ volatile("mov %%" #name ", %0" : "=r"(value));        \
        return value;                                                 \
    }                                                                 \
    static inline bool write_##name(uint64_t value)                   \
    {                                                                 \
        return TRY("mov %[from], %%" #name, (), ([from] "r"(value))); \
    }

CHECK_REGISTER(cr0)
CHECK_REGISTER(cr2)
CHECK_REGISTER(cr3)
CHECK_REGISTER(cr4)
CHECK_REGISTER(cr8)
CHECK_REGISTER(dr0)
CHECK_REGISTER(dr1)
CHECK_REGISTER(dr2)
CHECK_REGISTER(dr3)
CHECK_REGISTER(dr6)
CHECK_REGISTER(dr7)

/* For a row in the table of a file. */
#define CHECK(check) .op = check, .control = check, .flags = ROW_CHECK

#endif
