/* SPDX-License-Identifier: MIT */
/* What a guest or the host has in the registers that VM entries and exits leave alone. */
#ifndef EXITMETER_CORE_TESTS_RESIDENT_FIXTURE_H
#define EXITMETER_CORE_TESTS_RESIDENT_FIXTURE_H

#include "tests.h"

#include "../vmx/resident_state.h"

/* The MSR, and 0 for what is none. */
extern const uint32_t resident_msr[RESIDENT_REGISTERS];

struct resident_model {
    uint64_t value[RESIDENT_REGISTERS]; /* 0 for what the CPU has not got */
    uint64_t component[SIMULATED_COMPONENTS];
    uint64_t xcr0;
    uint16_t fcw;
    uint32_t mxcsr;
};

/* What the simulated CPU holds. */
struct resident_model resident_look(void);

/* As after RESET. */
struct resident_model resident_initial(void);

void resident_expect(const struct resident_model *is, const struct resident_model *should);

/* The simulated CPU as one that moves extended state by this instruction. */
enum resident_form { RESIDENT_FXSAVE, RESIDENT_XSAVE, RESIDENT_XSAVEOPT, RESIDENT_XSAVES };
void resident_form(enum resident_form form);

#endif
