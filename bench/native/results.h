/* SPDX-License-Identifier: MIT */
/*
 * The results region of a made-up run: what the image leaves of one job of CPUID, sound in every
 * part, with as many samples as one likes.
 */
#ifndef EXITMETER_BENCH_NATIVE_RESULTS_H
#define EXITMETER_BENCH_NATIVE_RESULTS_H

#include "../experiment.h"
#include "../files.h"

struct made_up {
    struct benchmark benchmark;
    struct experiment experiment;
    struct bytes region;
    uint64_t records; /* in all of its packets */
    uint64_t samples;
};

void made_up_make(struct made_up *run, uint32_t samples);
void made_up_free(struct made_up *run);

#endif
