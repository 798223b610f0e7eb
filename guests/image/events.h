/* SPDX-License-Identifier: MIT */
/* What a job wants counted and stamped besides, and what this CPU makes of it. */
#ifndef EXITMETER_GUESTS_IMAGE_EVENTS_H
#define EXITMETER_GUESTS_IMAGE_EVENTS_H

#include "room.h"

struct job_result;

/*
 * For a job whose policy has just been applied: has VM exits store the CPU's own stamp, and puts
 * the events of its group on counters. Returns the probe level that its measured phases then can
 * run at, with *result and its struct events_result saying what is missing, and why: none of that
 * keeps the job from running.
 */
uint32_t events_begin(struct room *room, const struct plan_job *job, struct job_result *result);

/* Stops the counters and puts the PMU back. To follow events_begin(), whatever came of the job. */
void events_end(struct room *room);

#endif
