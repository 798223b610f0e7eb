/* SPDX-License-Identifier: MIT */
/*
 * Events for the guest: exceptions, NMIs and interrupts, injected by VM entry (SDM Vol. 3C 25.8.3,
 * 27.6). Nothing of this stands on the exit path of an exit without events: a handler that leaves
 * something to deliver returns EXIT_EVENTS, and only then event_prepare() looks.
 */
#ifndef EXITMETER_CORE_VMX_EVENT_H
#define EXITMETER_CORE_VMX_EVENT_H

#include "dispatch.h"

/* Interruption information, SDM Vol. 3C table 25-17: [7:0] vector, [10:8] type, 11 error, 31 valid.
 */
#define EVENT_VALID              (1u << 31)
#define EVENT_DELIVER_ERROR_CODE (1u << 11)
#define EVENT_TYPE               (7u << 8)
#define EVENT_VECTOR             0xffu
#define EVENT_UNBLOCKED_NMIS     (1u << 12) /* in exit information only; elsewhere reserved */
#define EVENT_EXTERNAL_INTERRUPT (0u << 8)
#define EVENT_NMI                (2u << 8)
#define EVENT_HARDWARE_EXCEPTION (3u << 8)
#define EVENT_SOFTWARE_INTERRUPT (4u << 8)
#define EVENT_PRIVILEGED_TRAP    (5u << 8) /* INT1 */
#define EVENT_SOFTWARE_EXCEPTION (6u << 8) /* INT3, INTO */

enum exception_vector {
    VECTOR_DE = 0,
    VECTOR_DB = 1,
    VECTOR_NMI = 2,
    VECTOR_BP = 3,
    VECTOR_OF = 4,
    VECTOR_UD = 6,
    VECTOR_NM = 7,
    VECTOR_DF = 8,
    VECTOR_TS = 10,
    VECTOR_NP = 11,
    VECTOR_SS = 12,
    VECTOR_GP = 13,
    VECTOR_PF = 14,
    VECTOR_AC = 17,
    VECTOR_MC = 18,
    VECTOR_VE = 20,
    VECTOR_CP = 21,
};

/*
 * A hardware exception in place of the instruction that exited; RIP stays on it. The error code
 * goes with the vectors that have one, outside real mode, and is ignored for the others. To be
 * returned right away as `return event_exception(...)`: see event_deliver().
 */
enum exit_outcome event_exception(struct vcpu *vcpu, enum exception_vector vector, uint32_t error);

/*
 * An exception, by interruption information as the VM entry is to have it. Written to the VMCS at
 * once. If the VM exit interrupted the delivery of another event, what becomes of the two is the
 * SDM's (Vol. 3A table 7-5): one after the other, a double fault, or a triple fault, which stops
 * the guest. The result is the handler's.
 */
enum exit_outcome event_deliver(struct vcpu *vcpu, uint32_t information, uint32_t error);

/*
 * #DB, with this value in DR6, and with what else its delivery does but an injection does not: it
 * clears DR7.GD and ends last-branch recording and branch stepping (SDM Vol. 3C 27.6.1.2).
 */
enum exit_outcome event_debug_exception(struct vcpu *vcpu, uint64_t dr6);

/*
 * Behind every EXIT_EVENTS: chooses what the next VM entry injects (a delivery that was
 * interrupted, an NMI, an external interrupt, in this order), and opens or closes the windows for
 * what must wait. Before that it takes what the timer and other vCPUs have brought; EXIT_STOP after
 * an INIT or a SIPI, or if the guest has halted and nothing will wake it any more.
 */
exit_handler event_prepare;

/*
 * For exits that can occur while the CPU delivers an event: the event is delivered again. True if
 * there was one, and EXIT_EVENTS is owed.
 */
bool event_keep_interrupted(struct vcpu *vcpu);

/*
 * For the same exits, if the guest is to execute the instruction again: an IRET that faulted has
 * ended the blocking of NMIs, and must find it again. Bit 12 of the VM-exit interruption
 * information or of an exit qualification tells of it (SDM Vol. 3C 28.2.3).
 */
void event_block_nmis_again(uint64_t information);

/*
 * Around the vCPU's time on this CPU. event_begin() prepares its first entry; false if it is not to
 * be entered, vcpu->stop saying why. event_end() is owed after true only.
 */
bool event_begin(struct vcpu *vcpu);
void event_end(struct vcpu *vcpu);

/* Whether something is to be expected that wakes a guest from HLT, with an exit if need be. */
bool event_can_wake(const struct vcpu *vcpu);

/* Whether an external interrupt waits that priorities do not hold back. */
bool event_interrupt_waits(const struct vcpu *vcpu);

/* #PF: as above, and CR2. */
enum exit_outcome event_page_fault(struct vcpu *vcpu, uint64_t address, uint32_t error);

#endif
