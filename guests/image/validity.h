/* SPDX-License-Identifier: MIT */
/* Reads what may disturb a job around its measured phases, and judges it: guests/validity.h. */
#ifndef EXITMETER_GUESTS_IMAGE_VALIDITY_H
#define EXITMETER_GUESTS_IMAGE_VALIDITY_H

#include "../results.h"

/*
 * Before each phase of a job, run or left out: takes the reading that is due then, if one is, and
 * judges all of them before PHASE_TWICE. On the CPU that runs the job; never while a sample is
 * taken.
 */
void validity_note(struct job_validity *validity, enum phase next);

#endif
