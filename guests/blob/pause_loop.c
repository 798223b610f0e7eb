/* SPDX-License-Identifier: MIT */
/*
 * PAUSE-loop exiting: the PAUSE that makes a loop of them longer than the core's window of 4096
 * ticks. Before it stands a delay beyond the core's gap of 128 ticks, so that each sample's loop is
 * a new one; PAUSEs up to shortly before the window's end; and a wait without, shorter than the
 * gap.
 */
#include "row.h"

/* The low halves of two times, of which the difference's sign tells. */
#define DELAY "mov $300, %%ecx\n\t3: dec %%ecx\n\tjnz 3b\n\trdtsc\n\tlea 4064(%%rax), %%ebx\n\t"
#define LOOP  "2: pause\n\trdtsc\n\tsub %%ebx, %%eax\n\tjs 2b\n\tadd $64, %%ebx\n\t"
#define REST  "4: rdtsc\n\tsub %%ebx, %%eax\n\tjs 4b"

ROW_FUNCTION(pause_loop_control, DELAY LOOP REST, "")
ROW_FUNCTION(pause_loop_op, DELAY LOOP REST, "pause")

ROWS = {
    {
        .name = "pause_loop",
        CODE_ONCE(pause_loop),
        .description = "PAUSE behind 4096 ticks of them",
        .instruction = "PAUSE",
        .exits = {IF_CONTROL(PAUSE, SECONDARY_CONTROL_PAUSE_LOOP_EXITING)},
        .requires = ROW_REQUIRES_PAUSE,
    },
};
