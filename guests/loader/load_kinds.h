/* SPDX-License-Identifier: MIT */
/* The kinds of image: how each is told, and how it is loaded. */
#ifndef EXITMETER_GUESTS_LOADER_LOAD_KINDS_H
#define EXITMETER_GUESTS_LOADER_LOAD_KINDS_H

#include "load_plan.h"

/* Whether the image is of the kind, by its magic alone: what else is wrong with it loading says. */
bool load_is_linux(const struct load_request *request);
bool load_is_multiboot1(const struct load_request *request);
bool load_is_multiboot2(const struct load_request *request);

/* Fills the result, whose kind is set. NULL, or why it cannot be loaded. */
const char *load_linux(struct load_plan *plan);
const char *load_multiboot1(struct load_plan *plan);
const char *load_multiboot2(struct load_plan *plan);
const char *load_flat(struct load_plan *plan);

#endif
