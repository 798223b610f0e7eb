/* SPDX-License-Identifier: MIT */
/* What a random guest's memory holds before its code: tables and handlers, made once a mode. */
#ifndef EXITMETER_CORE_TESTS_TORTURE_IMAGE_H
#define EXITMETER_CORE_TESTS_TORTURE_IMAGE_H

#include "../../vmx/vcpu.h"

/* Fills GUEST_BYTES of memory for a guest that starts in that mode. */
void image_make(enum vcpu_mode mode, uint8_t *memory);

#endif
