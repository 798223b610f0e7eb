/* SPDX-License-Identifier: MIT */
/* Random numbers. */
#include "row.h"

ROW_CODE(rdrand, "", "rdrand %%rax")
ROW_CODE(rdseed, "", "rdseed %%rax")

ROWS = {
    {
        .name = "rdrand",
        CODE(rdrand),
        .description = "a random number of 64 bits",
        .instruction = "RDRAND RAX",
        .exits = {IF_CONTROL(RDRAND, SECONDARY_CONTROL_RDRAND_EXITING)},
        .requires = ROW_REQUIRES_RDRAND,
    },
    {
        .name = "rdseed",
        CODE(rdseed),
        .description = "a seed of 64 bits",
        .instruction = "RDSEED RAX",
        .exits = {IF_CONTROL(RDSEED, SECONDARY_CONTROL_RDSEED_EXITING)},
        .requires = ROW_REQUIRES_RDSEED,
    },
};
