/* SPDX-License-Identifier: MIT */
/* How a row's guest is entered: the entry contract of guests/blob.h. */
#ifndef EXITMETER_GUESTS_IMAGE_GUEST_START_H
#define EXITMETER_GUESTS_IMAGE_GUEST_START_H

#include "../../core/vmx/vcpu.h"
#include "../blob.h"

/* Where the guest starts; RDI, RSI and RDX are the caller's. The blob has passed blob_check(). */
struct vcpu_start guest_start(const struct blob_header *blob, const struct blob_row *row);

#endif
