/* SPDX-License-Identifier: MIT */
/* Bits of the control and debug registers and of RFLAGS (SDM Vol. 3A 2.5, 3B 18.2, Vol. 1 3.4.3).
 */
#ifndef EXITMETER_CORE_X86_CONTROL_REGISTERS_H
#define EXITMETER_CORE_X86_CONTROL_REGISTERS_H

#define CR0_PE (1ull << 0)
#define CR0_MP (1ull << 1)
#define CR0_EM (1ull << 2)
#define CR0_TS (1ull << 3)
#define CR0_ET (1ull << 4)
#define CR0_NE (1ull << 5)
#define CR0_WP (1ull << 16)
#define CR0_AM (1ull << 18)
#define CR0_NW (1ull << 29)
#define CR0_CD (1ull << 30)
#define CR0_PG (1ull << 31)

#define CR4_DE      (1ull << 3)
#define CR4_PSE     (1ull << 4)
#define CR4_PAE     (1ull << 5)
#define CR4_MCE     (1ull << 6)
#define CR4_PGE     (1ull << 7)
#define CR4_OSFXSR  (1ull << 9)
#define CR4_LA57    (1ull << 12)
#define CR4_VMXE    (1ull << 13)
#define CR4_SMXE    (1ull << 14)
#define CR4_PCIDE   (1ull << 17)
#define CR4_OSXSAVE (1ull << 18)
#define CR4_SMEP    (1ull << 20)
#define CR4_SMAP    (1ull << 21)
#define CR4_PKE     (1ull << 22)
#define CR4_CET     (1ull << 23)

#define CR3_NO_FLUSH (1ull << 63) /* with CR4.PCIDE: not part of the value */
#define CR3_PCID     0xfffull

#define DR6_BREAKPOINTS 0xfull
#define DR6_BLD         (1ull << 11) /* 0: a bus lock */
#define DR6_BD          (1ull << 13) /* access to a debug register under DR7.GD */
#define DR6_BS          (1ull << 14) /* single step */
#define DR6_RTM         (1ull << 16) /* 0: in a transactional region */
#define DR7_GD          (1ull << 13)

#define RFLAGS_FIXED (1ull << 1) /* reads as one always */
#define RFLAGS_CF    (1ull << 0)
#define RFLAGS_PF    (1ull << 2)
#define RFLAGS_AF    (1ull << 4)
#define RFLAGS_ZF    (1ull << 6)
#define RFLAGS_SF    (1ull << 7)
#define RFLAGS_TF    (1ull << 8)
#define RFLAGS_OF    (1ull << 11)
#define RFLAGS_TF    (1ull << 8)
#define RFLAGS_IF    (1ull << 9)
#define RFLAGS_DF    (1ull << 10)
#define RFLAGS_RF    (1ull << 16)
#define RFLAGS_AC    (1ull << 18)

/* The flags that arithmetic sets. */
#define RFLAGS_ARITHMETIC (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF)

#endif
