/* SPDX-License-Identifier: MIT */
/*
 * What rows require of the CPU, by bit of row.requires:
 *
 *   REQUIREMENT(bit, leaf, output, mask, secondary, lacking)
 *
 * One of the bits of mask must be set in that output of the CPUID leaf, subleaf 0, as the guest
 * sees it; 0: none is asked for. `secondary` are controls that the core must have in force.
 */
REQUIREMENT(ROW_REQUIRES_X2APIC, 1, ECX, CPUID_1_ECX_X2APIC, 0, "this CPU has no x2APIC")
REQUIREMENT(ROW_REQUIRES_UNRESTRICTED, 0, EAX, 0, SECONDARY_UNRESTRICTED_GUEST,
            "a start in real mode takes \"unrestricted guest\", which this CPU or the policy lacks")
REQUIREMENT(ROW_REQUIRES_MONITOR, 1, ECX, 1u << 3, 0, "this CPU has no MONITOR")
REQUIREMENT(ROW_REQUIRES_RDRAND, 1, ECX, 1u << 30, 0, "this CPU has no RDRAND")
REQUIREMENT(ROW_REQUIRES_RDSEED, 7, EBX, 1u << 18, 0, "this CPU has no RDSEED")
REQUIREMENT(ROW_REQUIRES_INVPCID, 7, EBX, 1u << 10, SECONDARY_INVPCID,
            "this CPU has no INVPCID, or guests are not to have it")
REQUIREMENT(ROW_REQUIRES_RDTSCP, 0x80000001, EDX, CPUID_80000001_EDX_RDTSCP, SECONDARY_RDTSCP,
            "this CPU has no RDTSCP, or guests are not to have it")
REQUIREMENT(ROW_REQUIRES_XSAVE, 1, ECX, CPUID_1_ECX_XSAVE, 0, "this CPU has no XSETBV")
REQUIREMENT(ROW_REQUIRES_RDPMC, CPUID_PERFORMANCE, EAX, 0xff00, 0,
            "this CPU has no performance counter")
REQUIREMENT(ROW_REQUIRES_TSC_ADJUST, 7, EBX, 1u << 1, 0, "this CPU has no IA32_TSC_ADJUST")
REQUIREMENT(ROW_REQUIRES_SPEC_CTRL, 7, EDX, 1u << 26, 0,
            "this CPU has neither IA32_SPEC_CTRL nor IA32_PRED_CMD")
REQUIREMENT(ROW_REQUIRES_TSX_CTRL, 7, EDX, CPUID_7_EDX_ARCH_CAPABILITIES, 0,
            "this CPU has no IA32_TSX_CTRL")
REQUIREMENT(ROW_REQUIRES_PM_TIMER, 0, EAX, 0, 0,
            "no ACPI power-management timer at port 0xb008, where Bochs has it")
REQUIREMENT(ROW_REQUIRES_HYPERCALLS, 0, EAX, 0, 0, "the monitor has no hypercalls of our core's")
