/* SPDX-License-Identifier: MIT */
/* Bits of the control registers and of RFLAGS (SDM Vol. 3A 2.5, Vol. 1 3.4.3). */
#ifndef EXITMETER_CORE_X86_CONTROL_REGISTERS_H
#define EXITMETER_CORE_X86_CONTROL_REGISTERS_H

#define CR0_PE (1ull << 0)
#define CR0_ET (1ull << 4)
#define CR0_NE (1ull << 5)
#define CR0_WP (1ull << 16)
#define CR0_PG (1ull << 31)

#define CR4_PAE     (1ull << 5)
#define CR4_VMXE    (1ull << 13)
#define CR4_OSXSAVE (1ull << 18)

#define RFLAGS_FIXED (1ull << 1) /* reads as one always */

#endif
