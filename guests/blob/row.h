/* SPDX-License-Identifier: MIT */
/*
 * How a row of the blob is written: ROW_CODE gives two pieces of assembly, what to prepare and the
 * operation, of which the control leaves out the second and nothing else; a line of ROWS describes
 * it. The loop around them, and what they may use, is sample_loop.h's.
 */
#ifndef EXITMETER_GUESTS_BLOB_ROW_H
#define EXITMETER_GUESTS_BLOB_ROW_H

#include "../sample_loop.h"

#include "../../core/vmx/exit_reason.h"

#ifndef EXITMETER_GUEST
#error "rows are compiled into the guest blob only"
#endif

#define ROW_FUNCTION(function, prepare, operation)               \
    static void function(struct sample *samples, uint64_t count) \
    {                                                            \
        register struct sample *at __asm__("r8") = samples;      \
        register uint64_t left __asm__("r9") = count;            \
        SAMPLE_LOOP(prepare, operation, );                       \
    }

/*
 * The code of a row: the operation after its preparation, the control its preparation alone, and
 * both of them two times over, for the slope.
 */
#define ROW_CODE(id, prepare, operation)      \
    ROW_FUNCTION(id##_control, prepare, "")   \
    ROW_FUNCTION(id##_op, prepare, operation) \
    ROW_FUNCTION(id##_twice, prepare "\n\t" operation, "\n\t" prepare "\n\t" operation)

/* For a row in the table below: of ROW_CODE(), or of functions of its own that are no more than
 * two. */
#define CODE(id)      .op = id##_op, .control = id##_control, .twice = id##_twice
#define CODE_ONCE(id) .op = id##_op, .control = id##_control

/* What stands around the samples of each phase. */
#define FRAME(before, after) .setup = before, .teardown = after

/* The exits of a row: .exits = {ALWAYS(CPUID)}, or each of those further down. */
#define ALWAYS(what)                             \
    {                                            \
        .reason = EXIT_REASON_##what, .times = 1 \
    }
#define IF_MSR_READ(msr)     GATED(RDMSR, GATE_MSR_READ, msr, 0)
#define IF_MSR_WRITTEN(msr)  GATED(WRMSR, GATE_MSR_WRITE, msr, 0)
#define IF_PORT(port, bytes) GATED(IO, GATE_IO, port, bytes)
#define IF_CR0(bits)         GATED(CR_ACCESS, GATE_CR0, bits, 0)
#define IF_CR4(bits)         GATED(CR_ACCESS, GATE_CR4, bits, 0)
#define IF_EXCEPTION(vector) GATED(EXCEPTION_OR_NMI, GATE_EXCEPTION, vector, 0)
/* One control, or up to three of which each must be 1. */
#define IF_CONTROL(what, ...)                                                \
    {                                                                        \
        .reason = EXIT_REASON_##what, .times = 1, .when_on = { __VA_ARGS__ } \
    }
#define GATED(what, by, at, bytes)                                                              \
    {                                                                                           \
        .reason = EXIT_REASON_##what, .times = 1, .index = (at), .gate = (by), .width = (bytes) \
    }

/* An operation that takes it two times: the exit stands in the list as often. */
#define TWICE(...) __VA_ARGS__, __VA_ARGS__

/* A file's part of the blob's table: ROWS = {{.name = ...}, ...}; */
#define ROWS static const struct blob_row rows[] __attribute__((used, section(".rows"), aligned(8)))

/* A VMCALL from C; RCX is 0 as the floor's exit stub wants it. */
static inline uint64_t hypercall(uint64_t number, uint64_t argument)
{
    __asm__ volatile("vmcall" : "+a"(number) : "D"(argument), "c"(0) : "memory");
    return number;
}

/* Ends what the blob was entered for: HYPERCALL_PHASE_DONE or HYPERCALL_FAILED (start.S). */
static inline _Noreturn void leave(uint64_t number, uint64_t argument)
{
    __asm__ volatile("jmp blob_leave" : : "a"(number), "D"(argument) : "memory");
    __builtin_unreachable();
}

#endif
