/* SPDX-License-Identifier: MIT */
/* Did a job take the VM exits that its row and its policy say, and no other? */
#ifndef EXITMETER_BENCH_EXIT_PROOF_H
#define EXITMETER_BENCH_EXIT_PROOF_H

#include "results.h"

/*
 * Counts the exits of the operations: those of the op phase less those of the control phase, from
 * the measured phases if they had probes, else from the counting ones. Fills in the outcome's
 * figures of exits. External interrupts are the host's, unless the row expects some: they are
 * counted apart. Says in outcome->proof whether they are as expected; a job of which they are not
 * has failed: its data is sound, and kept, as it shows what happened.
 */
void exit_proof(const struct job *job, struct job_outcome *outcome);

#endif
