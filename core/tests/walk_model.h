/* SPDX-License-Identifier: MIT */
/*
 * A second page walk, for tests to hold the core's against: written from the tables of SDM Vol. 3A
 * chapter 4 and another way, on the fixture's own idea of where guest memory is.
 */
#ifndef EXITMETER_CORE_TESTS_WALK_MODEL_H
#define EXITMETER_CORE_TESTS_WALK_MODEL_H

#include "walk_fixture.h"

#include "../vmx/walk.h"
#include "../x86/control_registers.h"
#include "../x86/msr.h"

struct walk_machine {
    struct walk_mode mode;
    uint64_t pdpte[4];
    unsigned physical_bits;
    bool pages_1g;
};

/* What an access must come to, and the entries it uses with the flags they must get. */
struct walk_outcome {
    enum guest_reached reached;
    uint64_t physical;
    struct guest_fault fault;
    unsigned visited;
    struct {
        uint64_t physical;
        uint8_t flags;
    } visit[5];
};

/* One access that does not leave its page. Reads guest memory and changes nothing. */
struct walk_outcome walk_model(const struct walk_machine *machine, uint64_t linear,
                               unsigned access);

#endif
