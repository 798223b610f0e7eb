/* SPDX-License-Identifier: MIT */
/* What a row of the blob requires of the CPU, of the policy and of the machine. */
#ifndef EXITMETER_GUESTS_IMAGE_REQUIREMENT_H
#define EXITMETER_GUESTS_IMAGE_REQUIREMENT_H

#include "../../core/vmx/vcpu.h"
#include "../blob.h"

/*
 * What the row requires and has not got, under the policy applied to the vCPU, in words; NULL:
 * nothing. A requirement that is not known is one that it has not got.
 */
const char *guest_lacks(const struct blob_row *row, const struct vcpu *vcpu);

/* The same of the requirements ROW_REQUIRES_OF_POLICY alone: a part of it. */
const char *guest_lacks_of_policy(const struct blob_row *row, const struct vcpu *vcpu);

#endif
