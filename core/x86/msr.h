/* SPDX-License-Identifier: MIT */
/* Model-specific registers by their SDM names (Vol. 4). */
#ifndef EXITMETER_CORE_X86_MSR_H
#define EXITMETER_CORE_X86_MSR_H

#define IA32_TSC             0x10u
#define MSR_SMI_COUNT        0x34u
#define IA32_FEATURE_CONTROL 0x3au
#define IA32_APIC_BASE       0x1bu
#define IA32_SPEC_CTRL       0x48u
#define IA32_BIOS_SIGN_ID    0x8bu
#define MSR_PLATFORM_INFO    0xceu
#define IA32_SYSENTER_CS     0x174u
#define IA32_SYSENTER_ESP    0x175u
#define IA32_SYSENTER_EIP    0x176u
#define IA32_XFD             0x1c4u
#define IA32_XFD_ERR         0x1c5u
#define IA32_MISC_ENABLE     0x1a0u
#define IA32_DEBUGCTL        0x1d9u
#define IA32_PAT             0x277u
#define IA32_TSC_DEADLINE    0x6e0u

#define IA32_MPERF             0xe7u
#define IA32_APERF             0xe8u
#define IA32_PMC0              0xc1u
#define IA32_PERFEVTSEL0       0x186u
#define IA32_FIXED_CTR0        0x309u
#define IA32_PERF_CAPABILITIES 0x345u
#define IA32_FIXED_CTR_CTRL    0x38du
#define IA32_PERF_GLOBAL_CTRL  0x38fu
#define IA32_A_PMC0            0x4c1u /* IA32_PMC0, written in its full width */

#define IA32_VMX_BASIC               0x480u
#define IA32_VMX_PINBASED_CTLS       0x481u
#define IA32_VMX_PROCBASED_CTLS      0x482u
#define IA32_VMX_EXIT_CTLS           0x483u
#define IA32_VMX_ENTRY_CTLS          0x484u
#define IA32_VMX_MISC                0x485u
#define IA32_VMX_CR0_FIXED0          0x486u
#define IA32_VMX_CR0_FIXED1          0x487u
#define IA32_VMX_CR4_FIXED0          0x488u
#define IA32_VMX_CR4_FIXED1          0x489u
#define IA32_VMX_PROCBASED_CTLS2     0x48bu
#define IA32_VMX_EPT_VPID_CAP        0x48cu
#define IA32_VMX_TRUE_PINBASED_CTLS  0x48du
#define IA32_VMX_TRUE_PROCBASED_CTLS 0x48eu
#define IA32_VMX_TRUE_EXIT_CTLS      0x48fu
#define IA32_VMX_TRUE_ENTRY_CTLS     0x490u
#define IA32_VMX_LAST                0x493u

#define X2APIC_MSR_FIRST 0x800u
#define X2APIC_MSR_LAST  0x8ffu
#define X2APIC_TPR       0x808u

#define IA32_ARCH_CAPABILITIES     0x10au
#define ARCH_CAPABILITIES_TSX_CTRL (1u << 7) /* IA32_TSX_CTRL is there */

#define IA32_XSS 0xda0u

#define IA32_EFER           0xc0000080u
#define IA32_STAR           0xc0000081u
#define IA32_LSTAR          0xc0000082u
#define IA32_CSTAR          0xc0000083u
#define IA32_FMASK          0xc0000084u
#define IA32_FS_BASE        0xc0000100u
#define IA32_GS_BASE        0xc0000101u
#define IA32_KERNEL_GS_BASE 0xc0000102u
#define IA32_TSC_AUX        0xc0000103u

#define FEATURE_CONTROL_LOCK        (1ull << 0)
#define FEATURE_CONTROL_VMX_OUTSIDE (1ull << 2) /* VMXON allowed outside SMX operation */

#define APIC_BASE_BOOT_CPU (1ull << 8)
#define APIC_BASE_X2APIC   (1ull << 10)
#define APIC_BASE_ENABLE   (1ull << 11)
#define APIC_BASE_RESET    0xfee00000ull /* its address after RESET */
#define APIC_BASE_ADDRESS  0x000ffffffffff000ull

#define EFER_SCE (1ull << 0)
#define EFER_LME (1ull << 8)
#define EFER_LMA (1ull << 10)
#define EFER_NXE (1ull << 11)

#endif
