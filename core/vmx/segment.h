/* SPDX-License-Identifier: MIT */
/* Segment access rights as the VMCS holds them (SDM Vol. 3C table 25-2). */
#ifndef EXITMETER_CORE_VMX_SEGMENT_H
#define EXITMETER_CORE_VMX_SEGMENT_H

/* Types of code and data segments, SDM Vol. 3A table 3-1. */
#define SEGMENT_WRITABLE    (1u << 1) /* of data; of code: readable */
#define SEGMENT_EXPAND_DOWN (1u << 2) /* of data */
#define SEGMENT_CODE        (1u << 3)

#define SEGMENT_DPL(rights) ((rights) >> 5 & 3) /* of SS: the CPL, SDM Vol. 3C 25.4.1 */
#define SEGMENT_LONG        (1u << 13)          /* of CS: 64-bit mode */
#define SEGMENT_BIG         (1u << 14)
#define SEGMENT_UNUSABLE    (1u << 16)

#endif
