/* SPDX-License-Identifier: MIT */
/*
 * Modes below 64-bit mode: where a row's guest can start (ROW_START_REAL, ROW_START_PROTECTED), and
 * where modes_descend() takes it. On each visit to real and to protected mode the guest does the
 * same few things and leaves here what came of them: modes_real.S and modes_protected.S.
 */
#ifndef EXITMETER_GUESTS_BLOB_MODES_H
#define EXITMETER_GUESTS_BLOB_MODES_H

#include <stdbool.h>
#include <stdint.h>

/* From 64-bit mode down to protected mode, or to real mode, and up again. */
void modes_descend(bool real);

/* Page tables of 64-bit mode behind a start in another, and behind no modes_descend(). */
extern uint64_t modes_tables[3][512];

/* Visits since the start; only what the last of a mode left is there. */
extern volatile uint32_t real_visits, protected_visits;

extern volatile uint16_t entered_cs,
    entered_ip;                      /* of a start in real mode, IP where it is looked at */
extern volatile uint32_t up_efer[2]; /* with LME set: before paging and under it */
extern volatile uint32_t down_efer;  /* with LME set, after paging */

/*
 * An event: [7:0] vector, [15:8] bytes pushed, [31:16] the IP that was pushed, less that of the
 * instruction. 0: none. INT's number is TEST_VECTOR.
 */
#define MODE_EVENT(vector, bytes, beyond) \
    ((uint32_t)(vector) | (uint32_t)(bytes) << 8 | (uint32_t)(beyond) << 16)
#define TEST_VECTOR 0x42u

extern volatile uint32_t real_cr0, real_cr0_toggled; /* as found, and with NE the other way */
extern volatile uint32_t real_efer;
extern volatile uint32_t real_vendor[3];    /* CPUID leaf 0: EBX, EDX, ECX */
extern volatile uint32_t real_hypercall;    /* EAX after one that is not there */
extern volatile uint32_t real_through_es;   /* written through ES, read through DS */
extern volatile uint32_t real_in;           /* EAX after IN of the 0xfb that was sent by OUT */
extern volatile uint32_t real_registers[3]; /* ECX and ESI after REP OUTSB, EDI after REP INSB */
extern volatile uint32_t real_ins;          /* what that read */
extern volatile uint32_t real_events[6];    /* INT, UD2, DIV by 0, WRMSR, MOV CR0, OUTSW */

extern volatile uint32_t protected_cr0, protected_cr0_toggled;
extern volatile uint32_t protected_cr3;     /* as read after a MOV without meaning */
extern volatile uint32_t protected_cr4[2];  /* after PSE, PAE and PGE; after 0 */
extern volatile uint32_t protected_efer[2]; /* as found; LME the other way */
extern volatile uint32_t protected_vendor[3];
extern volatile uint32_t protected_hypercall;
extern volatile uint32_t protected_product[2]; /* 0x10001 times itself: EAX, EDX */
extern volatile uint32_t protected_in;
extern volatile uint32_t protected_registers[3]; /* ESI and EDI less what they were */
extern volatile uint32_t protected_ins;
extern volatile uint32_t protected_events[5]; /* INT, UD2, WRMSR, MOV CR4, a write not mapped ... */
extern volatile uint32_t protected_errors[5]; /* ... and their error codes */

/* Under 32-bit paging, which maps memory twice: what was read in both places; CR2 after that write.
 */
extern uint32_t protected_directory[1024];
extern volatile uint32_t protected_alias[2];
extern volatile uint32_t protected_paged_cr0, protected_paged_cr3, protected_cr2;
extern volatile uint32_t protected_unpaged_cr0; /* after it */

#endif
