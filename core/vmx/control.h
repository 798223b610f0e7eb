/* SPDX-License-Identifier: MIT */
/*
 * VM-execution, VM-exit and VM-entry controls: names, and the choice of a control field's value
 * from what is wanted and what the CPU's capability MSR allows (SDM Vol. 3D appendix A.2 to A.5).
 */
#ifndef EXITMETER_CORE_VMX_CONTROL_H
#define EXITMETER_CORE_VMX_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

enum control_group {
    CONTROL_PIN_BASED,
    CONTROL_PRIMARY,
    CONTROL_SECONDARY,
    CONTROL_EXIT,
    CONTROL_ENTRY,
    CONTROL_GROUPS
};

/* PIN_BASED_NMI_EXITING and so on: single bits. */
enum {
#define CONTROL(group, bit, symbol, name) group##_##symbol = (int)(1u << (bit)),
#include "control_list.h"
#undef CONTROL
};

struct control_wish {
    uint32_t set;      /* the vCPU does not work without these */
    uint32_t clear;    /* ... nor with these */
    uint32_t optional; /* set where the CPU allows it */
};

struct control_refusal {
    uint32_t bit; /* number of the lowest bit that cannot be had */
    bool wanted;  /* wanted set, but the CPU has it fixed to 0; else the other way round */
};

/*
 * The field's value: what the capability fixes to 1, plus the wish. False, with refusal filled, if
 * the capability fixes a required bit the other way. A bit in both set and clear is refused too.
 */
bool control_choose(uint64_t capability, const struct control_wish *wish, uint32_t *value,
                    struct control_refusal *refusal);

/* SDM name of the bit, "reserved" where it has none; and of the field. Never NULL. */
const char *control_name(enum control_group group, uint32_t bit);
const char *control_group_name(enum control_group group);

#endif
