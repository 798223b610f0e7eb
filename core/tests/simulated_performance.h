/* SPDX-License-Identifier: MIT */
/*
 * The PMU of the simulated CPU: architectural performance monitoring on its table of MSRs. There is
 * none until a test adds it; what a real one may do wrong, a test can ask for.
 */
#ifndef EXITMETER_CORE_TESTS_SIMULATED_PERFORMANCE_H
#define EXITMETER_CORE_TESTS_SIMULATED_PERFORMANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIMULATED_WRITES_MAX 1024

struct simulated_performance {
    bool present;
    uint8_t version;
    uint8_t general; /* counters 0 to general - 1 */
    uint8_t width;   /* of all counters */
    uint16_t fixed;  /* a bit each */
    bool full_width; /* IA32_A_PMCx */
    /* What is wrong with counters, by number, as in IA32_PERF_GLOBAL_CTRL. */
    uint64_t frozen;         /* never moves */
    uint64_t rdpmc_faults;   /* RDPMC raises #GP */
    uint64_t rdpmc_lies;     /* RDPMC reads one more */
    uint32_t dropping_first; /* writes to MSRs from here ... */
    uint32_t dropping_last;  /* ... to here are dropped without a fault; 0: none */
};

/* An access that did not fault. */
struct simulated_write {
    uint32_t index;
    uint64_t value;
};

struct simulated_accesses {
    unsigned countdown; /* 1: the next RDMSR, WRMSR or RDPMC raises #GP; 0: none will */
    unsigned failed;    /* MSR or counter that it was */
    bool failed_write;
    struct simulated_write writes[SIMULATED_WRITES_MAX];
    size_t write_count;
};

/* A PMU of that version, 48 bits wide, with CPUID leaf 0xa to match. */
void simulated_performance_add(uint8_t version, uint8_t general, uint16_t fixed, bool full_width);

/* As Bochs with its Haswell: the leaf is there, MSRs read 0, writes are dropped, RDPMC 0-3 reads 0.
 */
void simulated_performance_hollow(void);

/* For the instructions: counts an access; whether it is made to fault. */
bool simulated_access_faults(uint32_t index, bool write);

/* WRMSR of the PMU's MSRs: false raises #GP; *value is what the MSR then holds, *keep if any. */
bool simulated_performance_write(uint32_t index, uint64_t *value, bool *keep);

bool simulated_performance_rdpmc(uint32_t counter, uint64_t *value);

#endif
