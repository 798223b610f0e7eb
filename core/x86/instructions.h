/* SPDX-License-Identifier: MIT */
/*
 * One C function an instruction; nothing in here decides anything. The hosted tests replace this
 * whole file by a simulated CPU with the same functions.
 */
#ifndef EXITMETER_CORE_X86_INSTRUCTIONS_H
#define EXITMETER_CORE_X86_INSTRUCTIONS_H

#include "cpuid.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef EXITMETER_SIMULATED
#include "../tests/simulated_cpu.h"
#else

static inline struct cpuid_registers x86_cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid_registers r;
    __asm__ volatile("cpuid"
                     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                     : "a"(leaf), "c"(subleaf));
    return r;
}

/* The same into whole registers: CPUID clears their upper halves, so nothing is left to extend. */
static inline void x86_cpuid_extended(uint32_t leaf, uint32_t subleaf, uint64_t *rax, uint64_t *rbx,
                                      uint64_t *rcx, uint64_t *rdx)
{
    uint64_t a = leaf, b, c = subleaf, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    *rax = a;
    *rbx = b;
    *rcx = c;
    *rdx = d;
}

static inline uint64_t x86_rdtsc(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

static inline uint64_t x86_rdmsr(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

static inline void x86_wrmsr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

/*
 * RDMSR and WRMSR that may fault: a #GP raised by the instruction resumes at the label that its
 * entry in the section .fixup names (core/boot/exception.c looks there), and the function returns
 * false. Costs nothing where there is no fault.
 */
#define X86_FIXUP(from, to) \
    ".pushsection .fixup, \"a\"; .balign 8; .quad " from ", " to "; .popsection;"

static inline bool x86_rdmsr_checked(uint32_t msr, uint32_t *low, uint32_t *high)
{
    __asm__ goto volatile("1: rdmsr;" X86_FIXUP("1b", "%l[fault]")
                          : "=a"(*low), "=d"(*high)
                          : "c"(msr)
                          :
                          : fault);
    return true;
fault:
    return false;
}

static inline bool x86_wrmsr_checked(uint32_t msr, uint32_t low, uint32_t high)
{
    __asm__ goto volatile("1: wrmsr;" X86_FIXUP("1b", "%l[fault]")
                          :
                          : "c"(msr), "a"(low), "d"(high)
                          : "memory"
                          : fault);
    return true;
fault:
    return false;
}

/* RDPMC and XSETBV likewise. */
static inline bool x86_rdpmc_checked(uint32_t counter, uint32_t *low, uint32_t *high)
{
    __asm__ goto volatile("1: rdpmc;" X86_FIXUP("1b", "%l[fault]")
                          : "=a"(*low), "=d"(*high)
                          : "c"(counter)
                          :
                          : fault);
    return true;
fault:
    return false;
}

static inline bool x86_xsetbv_checked(uint32_t index, uint64_t value)
{
    __asm__ goto volatile("1: xsetbv;" X86_FIXUP("1b", "%l[fault]")
                          :
                          : "c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                          : "memory"
                          : fault);
    return true;
fault:
    return false;
}

/* 2 * rounds instructions, so that a counter has something known to count; rounds is not 0. */
static inline void x86_spin(uint32_t rounds)
{
    __asm__ volatile("1: dec %0; jnz 1b" : "+r"(rounds) : : "cc");
}

/* CR4.OSXSAVE must be set. */
static inline uint64_t x86_xgetbv(uint32_t index)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(index));
    return (uint64_t)high << 32 | low;
}

static inline uint64_t x86_rdtscp(uint32_t *aux)
{
    uint32_t low, high;
    __asm__ volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(*aux) : : "memory");
    return (uint64_t)high << 32 | low;
}

/* Whether there was a random number, as CF tells. */
static inline bool x86_rdrand(uint64_t *value)
{
    bool valid;
    __asm__ volatile("rdrand %0" : "=r"(*value), "=@ccc"(valid));
    return valid;
}

static inline bool x86_rdseed(uint64_t *value)
{
    bool valid;
    __asm__ volatile("rdseed %0" : "=r"(*value), "=@ccc"(valid));
    return valid;
}

/* CLI; returns RFLAGS as they were, for x86_interrupts_restore(). */
static inline uint64_t x86_interrupts_off(void)
{
    uint64_t flags;
    __asm__ volatile("pushfq; pop %0; cli" : "=r"(flags) : : "memory");
    return flags;
}

static inline void x86_interrupts_restore(uint64_t flags)
{
    __asm__ volatile("push %0; popfq" : : "r"(flags) : "memory", "cc");
}

static inline void x86_wbinvd(void)
{
    __asm__ volatile("wbinvd" : : : "memory");
}

static inline uint8_t x86_in8(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint16_t x86_in16(uint16_t port)
{
    uint16_t value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint32_t x86_in32(uint16_t port)
{
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void x86_out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void x86_out16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline void x86_out32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

#define X86_REGISTER(name)                                              \
    static inline uint64_t x86_read_##name(void)                        \
    {                                                                   \
        uint64_t value;                                                 \
        __asm__ volatile("mov %%" #name ", %0" : "=r"(value));          \
        return value;                                                   \
    }                                                                   \
    static inline void x86_write_##name(uint64_t value)                 \
    {                                                                   \
        __asm__ volatile("mov %0, %%" #name : : "r"(value) : "memory"); \
    }
X86_REGISTER(cr0)
X86_REGISTER(cr2)
X86_REGISTER(cr3)
X86_REGISTER(cr4)
X86_REGISTER(cr8)
X86_REGISTER(dr0)
X86_REGISTER(dr1)
X86_REGISTER(dr2)
X86_REGISTER(dr3)
X86_REGISTER(dr6)

/* Selectors and table registers that the VMCS host-state area wants. */
static inline uint16_t x86_read_tr(void)
{
    uint16_t selector;
    __asm__("str %0" : "=r"(selector));
    return selector;
}

struct __attribute__((packed)) descriptor_table_register {
    uint16_t limit;
    uint64_t base;
};

static inline struct descriptor_table_register x86_read_gdtr(void)
{
    struct descriptor_table_register r;
    __asm__("sgdt %0" : "=m"(r));
    return r;
}

static inline struct descriptor_table_register x86_read_idtr(void)
{
    struct descriptor_table_register r;
    __asm__("sidt %0" : "=m"(r));
    return r;
}

#define X86_SELECTOR(name)                                        \
    static inline uint16_t x86_read_##name(void)                  \
    {                                                             \
        uint16_t selector;                                        \
        __asm__ volatile("mov %%" #name ", %0" : "=r"(selector)); \
        return selector;                                          \
    }
X86_SELECTOR(cs)
X86_SELECTOR(ss)
X86_SELECTOR(ds)
X86_SELECTOR(es)
X86_SELECTOR(fs)
X86_SELECTOR(gs)

/*
 * VMX instructions (SDM Vol. 3C chapter 31). Those that can fail return how: 0, or the flag that
 * the instruction left set.
 */
enum vmx_failure {
    VMX_SUCCEED = 0,
    VMX_FAIL_INVALID = 1, /* CF: no current VMCS to hold an error number */
    VMX_FAIL_VALID = 2,   /* ZF: the VM-instruction error field says why */
};

#define X86_VMX_INSTRUCTION(text, ...)                                          \
    bool cf, zf;                                                                \
    __asm__ volatile(text : "=@ccc"(cf), "=@ccz"(zf) : __VA_ARGS__ : "memory"); \
    return cf ? VMX_FAIL_INVALID : zf ? VMX_FAIL_VALID : VMX_SUCCEED

static inline enum vmx_failure x86_vmxon(uint64_t region)
{
    X86_VMX_INSTRUCTION("vmxon %2", "m"(region));
}

static inline void x86_vmxoff(void)
{
    __asm__ volatile("vmxoff" : : : "cc", "memory");
}

static inline enum vmx_failure x86_vmclear(uint64_t region)
{
    X86_VMX_INSTRUCTION("vmclear %2", "m"(region));
}

static inline enum vmx_failure x86_vmptrld(uint64_t region)
{
    X86_VMX_INSTRUCTION("vmptrld %2", "m"(region));
}

static inline uint64_t x86_vmread(uint64_t field)
{
    uint64_t value;
    __asm__ volatile("vmread %1, %0" : "=r"(value) : "r"(field) : "cc");
    return value;
}

static inline void x86_vmwrite(uint64_t field, uint64_t value)
{
    __asm__ volatile("vmwrite %1, %0" : : "r"(field), "r"(value) : "cc", "memory");
}

static inline enum vmx_failure x86_vmread_checked(uint64_t field, uint64_t *value)
{
    bool cf, zf;
    uint64_t read = 0;
    __asm__ volatile("vmread %3, %2" : "=@ccc"(cf), "=@ccz"(zf), "+r"(read) : "r"(field));
    *value = read;
    return cf ? VMX_FAIL_INVALID : zf ? VMX_FAIL_VALID : VMX_SUCCEED;
}

static inline enum vmx_failure x86_vmwrite_checked(uint64_t field, uint64_t value)
{
    X86_VMX_INSTRUCTION("vmwrite %3, %2", "r"(field), "r"(value));
}

struct invalidation_descriptor {
    uint64_t selector; /* INVEPT: EPT pointer. INVVPID: VPID. */
    uint64_t address;
};

static inline enum vmx_failure x86_invept(uint64_t type, struct invalidation_descriptor what)
{
    X86_VMX_INSTRUCTION("invept %2, %3", "m"(what), "r"(type));
}

static inline enum vmx_failure x86_invvpid(uint64_t type, struct invalidation_descriptor what)
{
    X86_VMX_INSTRUCTION("invvpid %2, %3", "m"(what), "r"(type));
}

#endif
#endif
