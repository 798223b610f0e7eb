/* SPDX-License-Identifier: MIT */
/* MOV to and from debug registers: DR7 is a VMCS field, DR0 and DR6 are the CPU's own. */
#include "row.h"

/* What they hold after a reset. */
ROW_CODE(mov_dr, "mov $0x400, %%eax", "mov %%rax, %%db7")
ROW_CODE(mov_from_dr7, "", "mov %%db7, %%rax")
ROW_CODE(mov_to_dr0, "xor %%eax, %%eax", "mov %%rax, %%db0")
ROW_CODE(mov_from_dr0, "", "mov %%db0, %%rax")
ROW_CODE(mov_to_dr6, "mov $0xffff0ff0, %%eax", "mov %%rax, %%db6")
ROW_CODE(mov_from_dr6, "", "mov %%db6, %%rax")

#define DEBUG(id, mnemonic, text)                                            \
    {                                                                        \
        .name = #id, CODE(id), .description = text, .instruction = mnemonic, \
        .exits = {IF_CONTROL(MOV_DR, PRIMARY_CONTROL_MOV_DR_EXITING)},       \
    }

ROWS = {
    DEBUG(mov_dr, "MOV DR7, RAX", "write of DR7, as it is"),
    DEBUG(mov_from_dr7, "MOV RAX, DR7", "read of DR7"),
    DEBUG(mov_to_dr0, "MOV DR0, RAX", "write of DR0, as it is"),
    DEBUG(mov_from_dr0, "MOV RAX, DR0", "read of DR0"),
    DEBUG(mov_to_dr6, "MOV DR6, RAX", "write of DR6, as it is"),
    DEBUG(mov_from_dr6, "MOV RAX, DR6", "read of DR6"),
};
