/* SPDX-License-Identifier: MIT */
/*
 * Interrupts that a row measures: what stands around its samples, and the proof that each operation
 * took as many as it says, which under some policies no VM exit tells of.
 *
 * The handlers count in `delivered` and end the interrupt, at the least cost: they change RAX, RCX
 * and RDX, so interrupts are on only where a row's operation, or DELIVER(), has them so.
 */
#ifndef EXITMETER_GUESTS_BLOB_DELIVERY_H
#define EXITMETER_GUESTS_BLOB_DELIVERY_H

#include "row.h"

#define DELIVERY_VECTOR 0x50
#define DELIVERY_CR8    15 /* holds the vector back */

/* Registers as text, for the assembler. */
#define X2APIC_TPR_TEXT      "0x808"
#define X2APIC_EOI_TEXT      "0x80b"
#define X2APIC_ICR_TEXT      "0x830"
#define X2APIC_SELF_IPI_TEXT "0x83f"

#define X2APIC_ID        0x802
#define X2APIC_EOI       0x80b
#define X2APIC_ICR       0x830
#define X2APIC_LVT_TIMER 0x832
#define X2APIC_SELF_IPI  0x83f

/* The local APIC's page is to be found at this linear address between xAPIC frames. */
#define XAPIC_WINDOW      0x1e00000
#define XAPIC_WINDOW_TEXT "0x1e00000"

/*
 * As interrupts are let in while one waits, unless the CPU delivers it; of a row with
 * ROW_REQUIRES_DELIVERY.
 */
#define IF_INTERRUPT_WINDOW                                                      \
    {                                                                            \
        .reason = EXIT_REASON_INTERRUPT_WINDOW, .times = 1,                      \
        .when_on = {PIN_BASED_CONTROL_EXTERNAL_INTERRUPT_EXITING}, .when_off = { \
            SECONDARY_CONTROL_VIRTUAL_INTERRUPT_DELIVERY                         \
        }                                                                        \
    }

extern volatile uint32_t delivered, delivery_nested;

/*
 * Frames: the local APIC enabled, in x2APIC mode or in xAPIC mode, its TPR 0, one IPI to oneself
 * pending with interrupts off, an IDT with the handlers. At the end that IPI, or the one that is
 * pending in its place, is taken, and all is put back.
 */
row_frame delivery_begin, delivery_end;
row_frame delivery_begin_xapic, delivery_end_xapic;

/* The same, with nothing pending: for rows that leave nothing pending behind. */
row_frame delivery_open, delivery_close;
row_frame delivery_open_xapic, delivery_close_xapic;

/* As delivery_open(), with interrupts on. */
row_frame delivery_open_on, delivery_open_xapic_on;

/* As delivery_open_on(), and the timer in TSC-deadline mode. */
row_frame delivery_open_deadline, delivery_close_deadline;

/* Ends the job as failed unless so many have been delivered since the frame began. */
void delivery_prove(uint64_t wanted);

/* As ROW_FUNCTION(), proving that an operation takes that many interrupts or NMIs. */
#define DELIVERY_FUNCTION(function, prepare, operation, each)    \
    static void function(struct sample *samples, uint64_t count) \
    {                                                            \
        register struct sample *at __asm__("r8") = samples;      \
        register uint64_t left __asm__("r9") = count;            \
        SAMPLE_LOOP(prepare, operation);                         \
        delivery_prove(count *(each));                           \
    }

/* As ROW_CODE(), for an operation that takes one. */
#define DELIVERY_CODE(id, prepare, operation)         \
    DELIVERY_FUNCTION(id##_control, prepare, "", 0)   \
    DELIVERY_FUNCTION(id##_op, prepare, operation, 1) \
    DELIVERY_FUNCTION(id##_twice, prepare "\n\t" operation, "\n\t" prepare "\n\t" operation, 2)

#endif
