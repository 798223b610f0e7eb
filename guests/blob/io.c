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
        .exits = {IF_PORT(PORT, 1)},
    },
    {
        .name = "out",
        CODE(out),
        .description = "write of a byte to port 0x80",
        .instruction = "OUT 0x80, AL",
        .exits = {IF_PORT(PORT, 1)},
    },
};
