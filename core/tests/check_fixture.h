/* SPDX-License-Identifier: MIT */
/* Guest states that VM entry takes, and rules broken one at a time, for the tests of check.h. */
#ifndef EXITMETER_CORE_TESTS_CHECK_FIXTURE_H
#define EXITMETER_CORE_TESTS_CHECK_FIXTURE_H

#include "vcpu_fixture.h"

#include "../vmx/check.h"

/* What there is to start from; every one is valid. */
enum base {
    LONG_MODE, /* as vcpu_start() leaves it, no unrestricted guest */
    PROTECTED, /* 32-bit code, 32-bit paging */
    PAE,       /* ... PAE paging */
    V86,       /* ... in virtual-8086 mode */
    UNPAGED,   /* unrestricted guest: protected mode without paging */
    REAL,      /* unrestricted guest: real mode */
    BASES
};

/* A field's bits cleared, then set. BE sets the whole field, ON and OFF single bits. */
struct change {
    enum vmcs_field field;
    uint64_t clear;
    uint64_t set;
};
#define BE(field, value)                \
    {                                   \
        VMCS_##field, UINT64_MAX, value \
    }
#define ON(field, bits)       \
    {                         \
        VMCS_##field, 0, bits \
    }
#define OFF(field, bits)      \
    {                         \
        VMCS_##field, bits, 0 \
    }
#define BIT(n) (1ull << (n))

struct violation {
    enum base base;
    struct change given[5];  /* still valid; up to the first that changes nothing */
    struct change broken[3]; /* not any more */
    enum vmcs_field field;   /* what must be named ... */
    const char *rule;        /* ... and a part of the rule's text */
};

/* The capability that the checks get: the simulated CPU's, but with all controls but one a field.
 */
extern struct vmx_capability check_capability;

/* A valid page for the CPU to look at: TPR 5 at its offset 80H. */
extern uint8_t *check_page;

/* vcpu_setup(), a policy applied and a guest started; and a CPU with a PMU and VM functions. */
int check_setup(void **state);
int check_teardown(void **state);

void check_start(enum base base);
void check_change(const struct change *changes, size_t count);

/* Fails the test if a rule is broken; or unless just this one is. Nothing may have changed. */
void check_passes(void);
void check_names(enum vmcs_field field, const char *rule);

void check_violations(const struct violation *violations, size_t count);

#define check_test(function) cmocka_unit_test_setup_teardown(function, check_setup, check_teardown)

#endif
