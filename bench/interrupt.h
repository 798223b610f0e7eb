/* SPDX-License-Identifier: MIT */
/*
 * SIGINT, SIGTERM and SIGHUP end a run in good order the first time, and at once the second time:
 * the handler only notes the signal, and whoever waits looks at the note. SIGPIPE is ignored.
 */
#ifndef EXITMETER_BENCH_INTERRUPT_H
#define EXITMETER_BENCH_INTERRUPT_H

#include <signal.h>

void interrupt_catch(void);

/* Has the three wait, in what is executed next, too. *before, if not NULL: what did so before. */
void interrupt_block(sigset_t *before);

/* The number of the signal that came, or 0. */
int interrupt_signal(void);

#endif
