/* SPDX-License-Identifier: MIT */
/*
 * What this CPU can do, read once: the capability MSRs of SDM Vol. 3D appendix A, and what else
 * guests are held to.
 */
#ifndef EXITMETER_CORE_VMX_CAPABILITY_H
#define EXITMETER_CORE_VMX_CAPABILITY_H

#include "control.h"

#include <stdbool.h>
#include <stdint.h>

struct vmx_capability {
    uint64_t basic;                    /* IA32_VMX_BASIC */
    uint64_t controls[CONTROL_GROUPS]; /* the TRUE forms where basic[55] offers them */
    uint64_t ept_vpid;                 /* 0 if there are neither EPT nor VPIDs */
    uint64_t misc;
    uint64_t cr0_fixed0, cr0_fixed1;
    uint64_t cr4_fixed0, cr4_fixed1;
    uint64_t feature_control;
    uint64_t xcr0;         /* bits of XCR0 that can be set; 0 without XSAVE */
    uint64_t xss;          /* bits of IA32_XSS that a guest may use; 0 without XSAVES */
    uint32_t xsave;        /* CPUID.0xD.1:EAX: the forms of XSAVE; 0 without it */
    uint8_t physical_bits; /* width of a physical address, MAXPHYADDR */
};

#define VMX_BASIC_TRUE_CONTROLS (1ull << 55)

/*
 * CET_U and CET_S. The other supervisor state components drive the machine (power, tracing), and
 * are not a guest's.
 */
#define XSS_CET (3ull << 11)

#define EPT_CAP_EXECUTE_ONLY   (1ull << 0)
#define EPT_CAP_WALK_4         (1ull << 6)
#define EPT_CAP_WRITE_BACK     (1ull << 14)
#define EPT_CAP_2M             (1ull << 16)
#define EPT_CAP_1G             (1ull << 17)
#define EPT_CAP_INVEPT         (1ull << 20)
#define EPT_CAP_ACCESSED_DIRTY (1ull << 21)
#define EPT_CAP_INVEPT_ONE     (1ull << 25)
#define EPT_CAP_INVEPT_ALL     (1ull << 26)
#define EPT_CAP_INVVPID        (1ull << 32)
#define EPT_CAP_INVVPID_ONE    (1ull << 41)

/*
 * NULL if this CPU offers VMX; else why not, in words. Only then are the capability MSRs there to
 * be read.
 */
const char *vmx_absent(void);

/* Reads them all. vmx_absent() must have returned NULL. */
void vmx_capability_read(struct vmx_capability *capability);

static inline uint32_t vmx_revision(const struct vmx_capability *capability)
{
    return (uint32_t)capability->basic & 0x7fffffff;
}

#endif
