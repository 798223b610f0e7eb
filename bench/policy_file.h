/* SPDX-License-Identifier: MIT */
/*
 * A compiled policy as a file: this header, and then the struct plan_policy that the image gets in
 * its plan (guests/plan.h), little-endian: name, controls, exceptions, masks of CR0 and CR4, hidden
 * bits of CPUID, the 12 KiB of bitmaps, and what is emulated or refused.
 */
#ifndef EXITMETER_BENCH_POLICY_FILE_H
#define EXITMETER_BENCH_POLICY_FILE_H

#include "policy.h"

#define POLICY_FILE_MAGIC 0x31494c4f504d5845ull /* "EXMPOLI1", little-endian */

struct policy_file {
    uint64_t magic;
    uint32_t version; /* PLAN_VERSION */
    uint32_t probe_level;
    struct plan_policy plan;
};

_Static_assert(sizeof(struct policy_file) == 16 + sizeof(struct plan_policy), "file format");

/* Whether these bytes begin as a compiled policy does. */
bool policy_file_is(const void *data, size_t size);

/* What policy_file_read() reads back. */
struct policy_file policy_file_make(const struct policy *policy);

/*
 * Reads a compiled policy, which must be one that the language can say. Returns 0, or -1 with what
 * is wrong in *error; free() that.
 */
int policy_file_read(const void *data, size_t size, struct policy *policy, char **error);

#endif
