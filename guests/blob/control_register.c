/* SPDX-License-Identifier: MIT */
/*
 * Control registers. CR3 and CR8 exit by controls of their own, but for CR3-target values; writes
 * of CR0 and CR4, if they change a bit of the guest/host masks, which are the policy's but for what
 * VMX operation asks for.
 */
#include "row.h"

#define CR0_TS  (1u << 3)
#define CR0_WP  (1u << 16)
#define CR4_DE  (1u << 3)
#define CR4_PGE (1u << 7)

_Static_assert(GUEST_PAGE_TABLES == 0x1000, "CR3 is written as it is");

#define TOGGLED(cr, bit) "mov %%" cr ", %%rax\n\tmov %%rax, %%rbx\n\tbtc $" bit ", %%rbx"

ROW_CODE(mov_from_cr8, "", "mov %%cr8, %%rax")
ROW_CODE(mov_to_cr8, "xor %%eax, %%eax", "mov %%rax, %%cr8")
ROW_CODE(mov_from_cr3, "", "mov %%cr3, %%rax")
ROW_CODE(mov_to_cr3, "mov $0x1000, %%eax", "mov %%rax, %%cr3")
ROW_CODE(mov_to_cr0, TOGGLED("cr0", "3"), "mov %%rbx, %%cr0")
ROW_CODE(mov_to_cr4, TOGGLED("cr4", "3"), "mov %%rbx, %%cr4")
ROW_CODE(lmsw, "smsw %%eax\n\txor $8, %%eax", "lmsw %%ax")
ROW_CODE(clts, "smsw %%eax\n\tor $8, %%eax", "lmsw %%ax\n\tclts")
ROW_CODE(toggle_cr0_wp, TOGGLED("cr0", "16"), "mov %%rbx, %%cr0\n\tmov %%rax, %%cr0")
ROW_CODE(toggle_cr4_pge, TOGGLED("cr4", "7"), "mov %%rbx, %%cr4\n\tmov %%rax, %%cr4")

ROWS = {
    {
        .name = "mov_from_cr8",
        CODE(mov_from_cr8),
        .description = "read of CR8, the local APIC's TPR",
        .instruction = "MOV RAX, CR8",
        .exits = {IF_CONTROL(CR_ACCESS, PRIMARY_CONTROL_CR8_STORE_EXITING)},
    },
    {
        .name = "mov_to_cr8",
        CODE(mov_to_cr8),
        .description = "write of CR8, the local APIC's TPR",
        .instruction = "MOV CR8, RAX",
        .exits = {IF_CONTROL(CR_ACCESS, PRIMARY_CONTROL_CR8_LOAD_EXITING)},
    },
    {
        .name = "mov_from_cr3",
        CODE(mov_from_cr3),
        .description = "read of CR3",
        .instruction = "MOV RAX, CR3",
        .exits = {IF_CONTROL(CR_ACCESS, PRIMARY_CONTROL_CR3_STORE_EXITING)},
    },
    {
        .name = "mov_to_cr3",
        CODE(mov_to_cr3),
        .description = "write of CR3, as it is",
        .instruction = "MOV CR3, RAX",
        .exits = {IF_CONTROL(CR_ACCESS, PRIMARY_CONTROL_CR3_LOAD_EXITING)},
    },
    {
        .name = "mov_to_cr3_target",
        CODE(mov_to_cr3),
        .description = "write of CR3, as it is: a CR3-target value, which takes no exit",
        .instruction = "MOV CR3, RAX",
        .flags = ROW_CR3_TARGET,
    },
    {
        .name = "mov_to_cr0",
        CODE(mov_to_cr0),
        .description = "write of CR0 that changes TS",
        .instruction = "MOV CR0, RBX",
        .exits = {IF_CR0(CR0_TS)},
    },
    {
        .name = "mov_to_cr4",
        CODE(mov_to_cr4),
        .description = "write of CR4 that changes DE",
        .instruction = "MOV CR4, RBX",
        .exits = {IF_CR4(CR4_DE)},
    },
    {
        .name = "lmsw",
        CODE(lmsw),
        .description = "LMSW that changes CR0.TS",
        .instruction = "LMSW AX",
        .exits = {IF_CR0(CR0_TS)},
    },
    {
        .name = "clts",
        CODE(clts),
        .description = "CR0.TS set by LMSW and cleared by CLTS: lmsw's is the first half",
        .instruction = "LMSW AX, CLTS",
        .exits = {TWICE(IF_CR0(CR0_TS))},
    },
    {
        .name = "toggle_cr0_wp",
        CODE(toggle_cr0_wp),
        .description = "CR0.WP cleared and set: two writes",
        .instruction = "MOV CR0, RBX, ...",
        .exits = {TWICE(IF_CR0(CR0_WP))},
    },
    {
        .name = "toggle_cr4_pge",
        CODE(toggle_cr4_pge),
        .description = "CR4.PGE set and cleared: two writes",
        .instruction = "MOV CR4, RBX, ...",
        .exits = {TWICE(IF_CR4(CR4_PGE))},
    },
};
