/* SPDX-License-Identifier: MIT */
/*
 * Time stamps and counters. Where RDTSC exits, so do the stamps around each sample, of the control
 * and of the operation alike: what is left is the operation's own exit.
 */
#include "row.h"

ROW_CODE(rdtsc, "", "rdtsc")
ROW_CODE(rdtscp, "", "rdtscp")
ROW_CODE(rdpmc, "xor %%ecx, %%ecx", "rdpmc")

ROWS = {
    {
        .name = "rdtsc",
        CODE(rdtsc),
        .description = "read of the time-stamp counter",
        .instruction = "RDTSC",
        .exits = {IF_CONTROL(RDTSC, PRIMARY_CONTROL_RDTSC_EXITING)},
    },
    {
        .name = "rdtscp",
        CODE(rdtscp),
        .description = "read of the time-stamp counter and of IA32_TSC_AUX",
        .instruction = "RDTSCP",
        .exits = {IF_CONTROL(RDTSCP, PRIMARY_CONTROL_RDTSC_EXITING)},
        .requires = ROW_REQUIRES_RDTSCP,
    },
    {
        .name = "rdpmc",
        CODE(rdpmc),
        .description = "read of performance counter 0",
        .instruction = "RDPMC",
        .exits = {IF_CONTROL(RDPMC, PRIMARY_CONTROL_RDPMC_EXITING)},
        .requires = ROW_REQUIRES_RDPMC,
    },
};
