/* SPDX-License-Identifier: MIT */
/* CPUID leaves and bits in use here (SDM Vol. 2A, CPUID). */
#ifndef EXITMETER_CORE_X86_CPUID_H
#define EXITMETER_CORE_X86_CPUID_H

#include <stdint.h>

struct cpuid_registers {
    uint32_t eax;
    uint32_t ebx;
    uint32_t ecx;
    uint32_t edx;
};

#define CPUID_1_ECX_VMX          (1u << 5)
#define CPUID_1_ECX_SMX          (1u << 6)
#define CPUID_1_ECX_PDCM         (1u << 15) /* IA32_PERF_CAPABILITIES is there */
#define CPUID_1_ECX_X2APIC       (1u << 21)
#define CPUID_1_ECX_TSC_DEADLINE (1u << 24)
#define CPUID_1_ECX_XSAVE        (1u << 26)
#define CPUID_1_ECX_OSXSAVE      (1u << 27)
#define CPUID_1_ECX_HYPERVISOR   (1u << 31)

#define CPUID_1_EDX_MCE  (1u << 7)
#define CPUID_1_EDX_APIC (1u << 9)

#define CPUID_TOPOLOGY   0xbu
#define CPUID_CLOCKS     0x15u /* rates of the TSC and of the core crystal */
#define CPUID_TOPOLOGY_2 0x1fu

#define CPUID_6_ECX_APERF_MPERF (1u << 0)

#define CPUID_7_EDX_ARCH_CAPABILITIES (1u << 29) /* the MSR is there */

#define CPUID_PERFORMANCE 0xau /* architectural performance monitoring */

#define CPUID_EXTENDED_STATE     0xdu
#define CPUID_D_1_EAX_XSAVEOPT   (1u << 0)
#define CPUID_D_1_EAX_XSAVES     (1u << 3) /* and IA32_XSS */
#define CPUID_D_1_EAX_XFD        (1u << 4)
#define CPUID_D_N_ECX_SUPERVISOR (1u << 0) /* of IA32_XSS, not of XCR0 */
#define CPUID_D_N_ECX_ALIGNED    (1u << 1) /* at a multiple of 64 bytes in the compacted form */

#define CPUID_80000001_EDX_RDTSCP    (1u << 27)
#define CPUID_80000001_EDX_1GB_PAGES (1u << 26)
#define CPUID_80000001_EDX_LONG_MODE (1u << 29)

#define CPUID_ADDRESS_SIZES 0x80000008u /* EAX[7:0]: width of physical addresses */

#define CPUID_HYPERVISOR_FIRST 0x40000000u

#endif
