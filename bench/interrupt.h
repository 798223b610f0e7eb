/* SPDX-License-Identifier: MIT */
/*
 * SIGINT, SIGTERM and SIGHUP end a run in good order the first time, and at once the second time:
 * the handler only notes the signal, and whoever waits looks at the note. SIGPIPE is ignored.
 */
#ifndef EXITMETER_BENCH_INTERRUPT_H
#define EXITMETER_BENCH_INTERRUPT_H

void interrupt_catch(void);

/* The number of the signal that came, or 0. */
int interrupt_signal(void);

#endif
