/* SPDX-License-Identifier: MIT */
/* Which rows of the blob make sense under a monitor that knows nothing of us. */
#ifndef EXITMETER_GUESTS_DIRECT_LACKS_H
#define EXITMETER_GUESTS_DIRECT_LACKS_H

#include "driver.h"

/* Why the job's row cannot be measured here, in words; NULL: it can, as far as can be told. */
const char *direct_lacks(const struct blob_row *row, const struct plan_job *job,
                         const struct direct *direct);

/*
 * When a row's turn is: what waits may wait for ever under an odd monitor, and a hypercall that it
 * does not know may leave it for good, out of reach of any NMI.
 */
enum direct_turn { DIRECT_FIRST, DIRECT_LATE, DIRECT_LAST, DIRECT_TURNS };

enum direct_turn direct_turn(const struct blob_row *row);

#endif
