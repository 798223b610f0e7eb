/* SPDX-License-Identifier: MIT */
/*
 * PAUSE, MONITOR and MWAIT. The line monitored has been written by the time of MWAIT, so that it
 * does not wait, by the CPU or by the core, which never does.
 */
#include "row.h"

static __attribute__((used, aligned(64))) uint64_t monitored;

#define NOTHING "xor %%ecx, %%ecx\n\txor %%edx, %%edx"
#define LINE    "mov $monitored, %%eax\n\t" NOTHING
#define ARMED   LINE "\n\tmonitor\n\tmovq $0, (%%rax)\n\txor %%eax, %%eax"

ROW_CODE(pause, "", "pause")
ROW_CODE(monitor, LINE, "monitor")
ROW_CODE(mwait, ARMED, "mwait")

ROWS = {
    {
        .name = "pause",
        CODE(pause),
        .description = "one PAUSE",
        .instruction = "PAUSE",
        .exits = {IF_CONTROL(PAUSE, PRIMARY_CONTROL_PAUSE_EXITING)},
    },
    {
        .name = "monitor",
        CODE(monitor),
        .description = "MONITOR of a line",
        .instruction = "MONITOR",
        .exits = {IF_CONTROL(MONITOR, PRIMARY_CONTROL_MONITOR_EXITING)},
        .requires = ROW_REQUIRES_MONITOR,
    },
    {
        .name = "mwait",
        CODE(mwait),
        .description = "MWAIT for a line that has been written since MONITOR: no wait",
        .instruction = "MWAIT",
        .exits = {IF_CONTROL(MWAIT, PRIMARY_CONTROL_MWAIT_EXITING)},
        .requires = ROW_REQUIRES_MONITOR,
    },
};
