/* SPDX-License-Identifier: MIT */
/*
 * Exceptions that their own handler ends at once: a fault, and one that software asks for. The time
 * is that of the delivery, the handler's dozen instructions and IRET, with or without a VM exit.
 */
#include "row.h"

/* start.S goes on there, once. */
#define RESUME_BEHIND "movq $2f, exception_resume"

ROW_FUNCTION(ud_control, RESUME_BEHIND, "2:")
ROW_FUNCTION(ud_op, RESUME_BEHIND, "ud2\n\t2:")
ROW_FUNCTION(bp_control, RESUME_BEHIND, "2:")
ROW_FUNCTION(bp_op, RESUME_BEHIND, "int3\n\t2:")

#define VECTOR_BP 3
#define VECTOR_UD 6

ROWS = {
    {
        .name = "ud",
        CODE_ONCE(ud),
        .description = "#UD, delivered to a handler that returns",
        .instruction = "UD2",
        .exits = {IF_EXCEPTION(VECTOR_UD)},
    },
    {
        .name = "bp",
        CODE_ONCE(bp),
        .description = "#BP, delivered to a handler that returns",
        .instruction = "INT3",
        .exits = {IF_EXCEPTION(VECTOR_BP)},
    },
};
