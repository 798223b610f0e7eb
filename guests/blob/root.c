/* SPDX-License-Identifier: MIT */
/* What is measured in VMX root operation is listed here; its code is guests/image/root_code.c. */
#include "row.h"

#define CODE_OF_NO_GUEST 0x200

/* None of these rows is ever entered as a guest: that would be the monitor's fault. */
static void not_here(struct sample *samples, uint64_t count)
{
    (void)samples;
    (void)count;
    leave(HYPERCALL_FAILED, CODE_OF_NO_GUEST);
}

#define ROOT_OPERATION(id, needs, mnemonic, what) \
    {                                             \
        .name = "root/" #id,                      \
        .description = what,                      \
        .instruction = mnemonic,                  \
        .op = not_here,                           \
        .control = not_here,                      \
        .twice = not_here,                        \
        .flags = ROW_ROOT,                        \
    },

ROWS = {
#include "../root_operation_list.h"
};
#undef ROOT_OPERATION
