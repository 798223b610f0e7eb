/* SPDX-License-Identifier: MIT */
/*
 * An IDT whose handlers note what was delivered, frame and error code, and go on where the check
 * wants: for checks that must see more of an exception than its vector.
 */
#ifndef EXITMETER_GUESTS_BLOB_CAPTURE_H
#define EXITMETER_GUESTS_BLOB_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#define CAPTURE_VECTORS 96u

/* Type of a 64-bit interrupt gate, present, DPL 0; and one that is not present. */
#define GATE_PRESENT 0x8e00u
#define GATE_ABSENT  0x0e00u

/* What was delivered last, and how often since it was cleared. error is 0 where there is none. */
extern volatile struct capture {
    uint64_t vector;
    uint64_t error;
    uint64_t rip;
    uint64_t rflags;
    uint64_t rsp;
    uint64_t count;
} capture;

/* Where the handler returns to; 0: to the address in the frame. */
extern volatile uint64_t capture_resume;

/* The address of the instruction that CAPTURE() executed last. */
extern volatile uint64_t capture_at;

/* Loads the IDT, every gate present; and the blob's own again. */
void capture_start(void);
void capture_end(void);

void capture_gate(uint32_t vector, uint32_t type);

/*
 * One instruction, and how often it was interrupted. The handler goes on behind it, with RFLAGS.TF
 * and IF clear; `behind` is that address.
 */
#define CAPTURE(text, outputs, inputs, behind)                                          \
    ({                                                                                  \
        capture.count = 0;                                                              \
        capture.vector = ~0ull;                                                         \
        __asm__ volatile("movq $1f, capture_at\n\tmovq $2f, capture_resume\n\t1: " text \
                         "\n\t2: movq $2b, %[end]"                                      \
                         : [end] "=m"(behind)CAPTURE_LIST outputs                       \
                         : CAPTURE_LIST inputs                                          \
                         : "memory", "cc");                                             \
        capture_resume = 0;                                                             \
        capture.count;                                                                  \
    })
#define CAPTURE_LIST(...) __VA_ARGS__

#endif
