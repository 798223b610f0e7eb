/* SPDX-License-Identifier: MIT */
/*
 * KVM's binary statistics of a vCPU (KVM_GET_STATS_FD): the counts by which KVM itself says what
 * exits it took.
 */
#ifndef EXITMETER_BENCH_KVM_STATS_H
#define EXITMETER_BENCH_KVM_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KVM_STATS_MAX      128u
#define KVM_STAT_NAME_SIZE 48u

/* Counts that only ever go up, in KVM's order, and where each lies in the file. */
struct kvm_stats {
    unsigned count;
    char names[KVM_STATS_MAX][KVM_STAT_NAME_SIZE];
    uint64_t offsets[KVM_STATS_MAX];
};

/*
 * Takes header and descriptors apart, as the file begins with them. Everything but single
 * cumulative counts is left out, and what does not fit. NULL, or what is wrong with the bytes.
 */
const char *kvm_stats_parse(const uint8_t *bytes, size_t size, struct kvm_stats *stats);

/* Opens a vCPU's statistics and reads what there are; -1 with *why in words, not to be freed. */
int kvm_stats_open(int vcpu, struct kvm_stats *stats, const char **why);

/* Their values now. False if they cannot be read. */
bool kvm_stats_read(int file, const struct kvm_stats *stats, uint64_t values[KVM_STATS_MAX]);

/* The place of a count, or -1. */
int kvm_stats_find(const struct kvm_stats *stats, const char *name);

#endif
