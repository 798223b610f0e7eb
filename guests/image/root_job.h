/* SPDX-License-Identifier: MIT */
/* A job whose row has ROW_ROOT: the image measures it itself, under no policy. */
#ifndef EXITMETER_GUESTS_IMAGE_ROOT_JOB_H
#define EXITMETER_GUESTS_IMAGE_ROOT_JOB_H

#include "../results.h"
#include "room.h"

/*
 * All phases of the job, which take samples and no records. What came of it, and in *reason, unless
 * it is done, why; in words that stay.
 */
enum result_status root_job_run(struct room *room, const struct plan_job *job,
                                struct job_result *result, const char **reason);

#endif
