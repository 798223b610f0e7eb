/* SPDX-License-Identifier: MIT */
/* What a row of the blob accesses, and a policy has answered by something else than the hardware.
 */
#ifndef EXITMETER_GUESTS_IMAGE_REQUIREMENT_ACCESS_H
#define EXITMETER_GUESTS_IMAGE_REQUIREMENT_ACCESS_H

#include "../blob.h"
#include "../plan.h"

/*
 * Why the row cannot run under the policy, in words, or NULL: of what it accesses something exits
 * and is then refused, or emulated where the row knows its hardware.
 */
const char *guest_lacks_access(const struct blob_row *row, const struct plan_policy *policy);

#endif
