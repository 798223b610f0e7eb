/* SPDX-License-Identifier: MIT */
/* The results region of a run on KVM: a file, laid out as the image would lay it out in memory. */
#ifndef EXITMETER_BENCH_KVM_RESULTS_H
#define EXITMETER_BENCH_KVM_RESULTS_H

#include "target.h"

/*
 * Makes it in boot->scratch and begins it for so many jobs; *results is where it is mapped, shared
 * with processes to come: boot->results_size bytes. Returns the path, or NULL with *failure; free()
 * either.
 */
char *kvm_results_make(const struct boot *boot, uint32_t jobs, char **results, char **failure);

/* The run is complete; or it is not, and why: jobs that were not run stay so. */
void kvm_results_end(char *results, const char *reason);

#endif
