/* SPDX-License-Identifier: MIT */
/* Reasons, in words, for the results. */
#ifndef EXITMETER_GUESTS_IMAGE_SAY_H
#define EXITMETER_GUESTS_IMAGE_SAY_H

#include "../../core/vmx/stop.h"

#include <stddef.h>
#include <stdint.h>

/* Adds text to a string in room bytes, as far as it fits. */
void say(char *into, size_t room, const char *text);

/* The same for a number, in hexadecimal. */
void say_hex(char *into, size_t room, uint64_t number);

/* Why the vCPU stopped, and at what. */
void say_stop(char *into, size_t room, const struct vcpu_stop *stop);

#endif
