/* SPDX-License-Identifier: MIT */
/* Which rows of the blob make sense under a monitor that knows nothing of us. */
#ifndef EXITMETER_GUESTS_DIRECT_LACKS_H
#define EXITMETER_GUESTS_DIRECT_LACKS_H

#include "driver.h"

/* Why the job's row cannot be measured here, in words; NULL: it can, as far as can be told. */
const char *direct_lacks(const struct blob_row *row, const struct plan_job *job,
                         const struct direct *direct);

#endif
