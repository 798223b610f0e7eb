/* SPDX-License-Identifier: MIT */
/* IN and OUT of one byte at port 0x80, which answers everywhere and does nothing. */
#include "row.h"

#define PORT 0x80

ROW_CODE(in, "", "in $0x80, %%al")
ROW_CODE(out, "xor %%eax, %%eax", "out %%al, $0x80")

ROWS = {
    {
        .name = "in",
        CODE(in),
        .description = "read of a byte from port 0x80",
        .instruction = "IN AL, 0x80",
        .gate = GATE_IO,
        .gate_index = PORT,
        .gate_width = 1,
        .exit_reason = EXIT_REASON_IO,
    },
    {
        .name = "out",
        CODE(out),
        .description = "write of a byte to port 0x80",
        .instruction = "OUT 0x80, AL",
        .gate = GATE_IO,
        .gate_index = PORT,
        .gate_width = 1,
        .exit_reason = EXIT_REASON_IO,
    },
};
