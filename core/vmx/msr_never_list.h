/* SPDX-License-Identifier: MIT */
/*
 * MSRs that pass under no policy: by them the CPU itself writes to memory that they name, by
 * physical addresses past the EPT, or by linear ones and still after a VM exit, which are the
 * host's then. Their accesses exit whatever a policy says; nothing is forwarded: they are refused,
 * or emulated where a policy says so.
 *
 * Not among them: IA32_DEBUGCTL, whose branch trace a VM exit ends (SDM Vol. 3C 28.5.1), and which
 * without IA32_DS_AREA has nowhere to go but the guest's own memory; the posted-interrupt
 * descriptor, which is the VMCS's; user interrupts, whose tables are walked where CR4.UINTR is
 * set, which the host's is not; IA32_FEATURE_CONTROL and the VMX capability MSRs, since VMXON is
 * not to be had while the former is unlocked, and the latter cannot be written.
 *
 * No include guard: define MSR_NEVER(first, last, names, source) and include this file.
 */
MSR_NEVER(0x3f1, 0x3f1, "IA32_PEBS_ENABLE", "SDM 3B 20.6.2.4")
MSR_NEVER(0x3f4, 0x3f5, "IA32_PEBS_BASE, IA32_PEBS_INDEX", "SDM 3B, architectural PEBS")
MSR_NEVER(0x560, 0x587, "IA32_RTIT_*", "SDM 3C 33.2.7; SDM 3C 26.5.4")
MSR_NEVER(0x600, 0x600, "IA32_DS_AREA", "SDM 3B 18.4.9; SDM 3B 20.6.2.4")
MSR_NEVER(0x17d0, 0x17d1, "IA32_HW_FEEDBACK_PTR, IA32_HW_FEEDBACK_CONFIG", "SDM 3B 15.6")
MSR_NEVER(0x1900, 0x19ff, "IA32_PMC_GPn_CFG_C, IA32_PMC_FXm_CFG_C and the counters among them",
          "SDM 3B, architectural PEBS")
