/* SPDX-License-Identifier: MIT */
/* What both versions of multiboot share. */
#ifndef EXITMETER_GUESTS_LOADER_LOAD_MULTIBOOT_H
#define EXITMETER_GUESTS_LOADER_LOAD_MULTIBOOT_H

#include "load_plan.h"

#define LOAD_NAME "exitmeter" /* the boot loader's */

/* How the header of a version is found: that many 32-bit fields that add up to 0, magic first. */
struct load_header_rule {
    uint32_t magic;
    unsigned fields;
    uint64_t align;
    uint64_t search; /* bytes from the file's start on, in which it lies */
};
extern const struct load_header_rule load_header_rule_1, load_header_rule_2;

/* Where the first header is; false if there is none. */
bool load_header_find(const struct load_request *request, const struct load_header_rule *rule,
                      uint64_t *offset);

/* For an image without one: names a magic number whose fields do not add up; NULL: none. */
const char *load_header_refuse_sum(struct load_plan *plan);

/* A 32-bit field of the image; it lies inside. */
uint32_t load_field(const struct load_request *request, uint64_t offset);

/* The load addresses of the header, for images that are no ELF files or do not want to be. */
struct load_addresses {
    uint32_t header;   /* where the header, which is at an offset in the file, comes to lie */
    uint32_t load;     /* where loading starts; LOAD_FROM_START: with the file's first byte */
    uint32_t load_end; /* 0: with the file's last byte */
    uint32_t bss_end;  /* 0: there is none */
    uint32_t entry;
};
#define LOAD_FROM_START UINT32_MAX

/* Makes the piece of it, and sets result->rip. NULL, or what is wrong. */
const char *load_addresses_put(struct load_plan *plan, uint64_t header_offset,
                               const struct load_addresses *addresses);

/* multiboot kernels start in protected mode; NULL if the request wants that or leaves it open. */
const char *load_multiboot_check_start(struct load_plan *plan);

/* The initial RAM disk as module, on a page boundary above 1 MiB; none: *at is 0. */
const char *load_module_place(struct load_plan *plan, uint64_t *at);

/* KiB of RAM from 0 on, at most 640, and from 1 MiB on. */
void load_basic_memory(const struct load_plan *plan, uint32_t *lower, uint32_t *upper);

/* Places what was composed, size bytes of it, in scratch->information. */
const char *load_information_place(struct load_plan *plan, uint64_t size, uint64_t *at);

#endif
