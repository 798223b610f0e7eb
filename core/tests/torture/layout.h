/* SPDX-License-Identifier: MIT */
/* The guest-physical memory of a random guest. */
#ifndef EXITMETER_CORE_TESTS_TORTURE_LAYOUT_H
#define EXITMETER_CORE_TESTS_TORTURE_LAYOUT_H

#define GUEST_TABLES       0x1000u /* PML4, and the page-directory-pointer table behind it */
#define GUEST_IDT          0x3000u
#define GUEST_GDT          0x4000u
#define GUEST_TSS          0x4800u
#define GUEST_HANDLERS     0x5000u /* of exceptions, in each of the three modes */
#define GUEST_IDENTITY_MAP 0x6000u /* the core's */
#define GUEST_STACK        0x8000u /* ends here; that of real mode too */
#define GUEST_CODE         0x8000u
#define GUEST_CODE_BYTES   0x200u
#define GUEST_DATA         0x9000u
#define GUEST_READ_ONLY    0xc000u
#define GUEST_NO_EXECUTE   0xd000u
#define GUEST_UNMAPPED     0xe000u /* has memory behind it, which EPT does not map */
#define GUEST_BYTES        0x10000u

#define GUEST_DEVICE  0xd0000000u /* one page, by EPT violation */
#define GUEST_TRAPPED 0xd0002000u /* one page, by EPT misconfiguration */
#define GUEST_APIC    0xfee00000u

#endif
