/* SPDX-License-Identifier: MIT */
/* Guest segment registers: each rule of SDM Vol. 3C 27.3.1.2 broken once, on each register. */
#include "check_fixture.h"

#define HOLE BIT(47) /* not canonical on the simulated CPU */

enum { ES, CS, SS, DS, FS, GS, LDTR, TR };

#define UNUSABLE BIT(16)

static enum vmcs_field of(enum vmcs_field of_es, int segment)
{
    return (enum vmcs_field)(of_es + 2 * segment);
}

static uint64_t *rights(int segment)
{
    return simulated_field(of(VMCS_GUEST_ES_ACCESS_RIGHTS, segment));
}

/* A register's field, broken: named if the register is usable; if not, then only where it says so.
 */
static void broken(enum base base, int segment, enum vmcs_field of_es, const struct change *change,
                   bool when_unusable, const char *rule)
{
    struct change here = {of(of_es, segment), change->clear, change->set};

    check_start(base);
    if (segment == LDTR)
        *rights(LDTR) = 0x82;
    check_passes();
    check_change(&here, 1);
    check_names(here.field, rule);
    if (segment == CS || segment == TR || base == V86)
        return;
    *rights(segment) |= UNUSABLE;
    if (when_unusable)
        check_names(here.field, rule);
    else
        check_passes();
}

#define RIGHTS VMCS_GUEST_ES_ACCESS_RIGHTS

static void each_register(void **state)
{
    static const struct {
        unsigned registers;
        enum vmcs_field field;
        struct change change; /* of any register: the field is ignored */
        bool when_unusable;
        const char *rule;
    } rows[] = {
#define SET(register) (1u << (register))
#define DATA          (SET(ES) | SET(DS) | SET(FS) | SET(GS))
#define CODE_OR_DATA  (DATA | SET(CS) | SET(SS))
#define SYSTEM        (SET(LDTR) | SET(TR))
        {SYSTEM, VMCS_GUEST_ES_SELECTOR, {0, 0, 4}, false, "TI must be 0"},
        {SET(TR) | SET(FS) | SET(GS), VMCS_GUEST_ES_BASE, {0, 0, HOLE}, true, "canonical"},
        {SET(LDTR), VMCS_GUEST_ES_BASE, {0, 0, HOLE}, false, "canonical"},
        {SET(CS) | SET(SS) | SET(DS) | SET(ES),
         VMCS_GUEST_ES_BASE,
         {0, 0, BIT(32)},
         false,
         "bits 63:32"},
        {SET(SS), RIGHTS, {0, BIT(0), 0}, false, "3 or 7"},
        {SET(SS), RIGHTS, {0, 0, BIT(3)}, false, "3 or 7"},
        {DATA, RIGHTS, {0, BIT(0), 0}, false, "accessed"},
        {DATA, RIGHTS, {0, BIT(1), BIT(3)}, false, "readable"},
        {CODE_OR_DATA, RIGHTS, {0, BIT(4), 0}, false, "S (bit 4) must be 1"},
        {CODE_OR_DATA | SYSTEM, RIGHTS, {0, BIT(7), 0}, false, "P (bit 7)"},
        {CODE_OR_DATA | SYSTEM, RIGHTS, {0, 0, BIT(8)}, false, "bits 11:8"},
        {CODE_OR_DATA | SYSTEM, RIGHTS, {0, 0, BIT(11)}, false, "bits 11:8"},
        {CODE_OR_DATA | SYSTEM, RIGHTS, {0, 0, BIT(17)}, false, "31:17"},
        {CODE_OR_DATA | SYSTEM, RIGHTS, {0, 0, BIT(31)}, false, "31:17"},
        {CODE_OR_DATA, RIGHTS, {0, BIT(15), 0}, false, "G must be 1"},
        {SYSTEM, RIGHTS, {0, 0, BIT(15)}, false, "G must be 0"},
        {SYSTEM, RIGHTS, {0, 0, BIT(4)}, false, "S (bit 4) must be 0"},
        {SET(TR), RIGHTS, {0, BIT(1), 0}, false, "busy 64-bit TSS"},
        {SET(TR), RIGHTS, {0, BIT(3), 0}, false, "busy 64-bit TSS"},
        {SET(TR), RIGHTS, {0, 0, UNUSABLE}, false, "usable"},
        {SET(LDTR), RIGHTS, {0, 0, BIT(0)}, false, "type must be 2"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (int segment = ES; segment <= TR; segment++)
            if (rows[i].registers & SET(segment))
                broken(LONG_MODE, segment, rows[i].field, &rows[i].change, rows[i].when_unusable,
                       rows[i].rule);
}

/* A limit's low bits and G: for every register. */
static void granularity(void **state)
{
    (void)state;
    for (int segment = ES; segment <= TR; segment++) {
        uint64_t *limit;
        check_start(LONG_MODE);
        if (segment == LDTR)
            *rights(LDTR) = 0x82;
        limit = simulated_field(of(VMCS_GUEST_ES_LIMIT, segment));
        *limit = 0xfffff;
        *rights(segment) &= ~BIT(15);
        check_passes();
        *limit = 0x100000;
        check_names(of(RIGHTS, segment), "G must be 1");
        *limit = 0xffffffff;
        *rights(segment) |= BIT(15);
        check_passes();
        *limit = 0xfffffffe;
        check_names(of(RIGHTS, segment), "G must be 0");
    }
}

static void code_and_privilege(void **state)
{
    static const struct change free = ON(SECONDARY_CONTROLS, SECONDARY_UNRESTRICTED_GUEST);
    static const struct change ring_3 = BE(GUEST_SS_ACCESS_RIGHTS, 0xc0f3);
    static const struct change ring_3_code = BE(GUEST_CS_ACCESS_RIGHTS, 0xa0fb);
    static const struct change selectors[] = {BE(GUEST_CS_SELECTOR, 0xb),
                                              BE(GUEST_SS_SELECTOR, 0x13)};
    const struct violation violations[] = {
        {LONG_MODE,
         {ring_3, ring_3_code, selectors[0], selectors[1]},
         {BE(GUEST_SS_SELECTOR, 0x10)},
         VMCS_GUEST_SS_SELECTOR,
         "RPL must be that of CS"},
        {LONG_MODE,
         {free, selectors[0]},
         {OFF(SECONDARY_CONTROLS, SECONDARY_UNRESTRICTED_GUEST)},
         VMCS_GUEST_SS_SELECTOR,
         "RPL must be that of CS"},
        {LONG_MODE,
         {{0}},
         {BE(GUEST_CS_ACCESS_RIGHTS, 0xa09a)},
         VMCS_GUEST_CS_ACCESS_RIGHTS,
         "9, 11, 13 or 15"},
        {LONG_MODE,
         {{0}},
         {BE(GUEST_CS_ACCESS_RIGHTS, 0xa093)},
         VMCS_GUEST_CS_ACCESS_RIGHTS,
         "be 9, 11, 13 or 15"},
        {REAL,
         {{0}},
         {BE(GUEST_CS_ACCESS_RIGHTS, 0x97)},
         VMCS_GUEST_CS_ACCESS_RIGHTS,
         "3, 9, 11, 13 or 15"},
        {LONG_MODE,
         {BE(GUEST_CS_ACCESS_RIGHTS, 0xa099)},
         {BE(GUEST_CS_ACCESS_RIGHTS, 0xa0fb)},
         VMCS_GUEST_CS_ACCESS_RIGHTS,
         "SS's DPL"},
        {LONG_MODE,
         {BE(GUEST_CS_ACCESS_RIGHTS, 0xa09d)},
         {BE(GUEST_CS_ACCESS_RIGHTS, 0xa0bf)},
         VMCS_GUEST_CS_ACCESS_RIGHTS,
         "SS's DPL"},
        {LONG_MODE,
         {ring_3, ring_3_code, selectors[0], selectors[1]},
         {BE(GUEST_CS_ACCESS_RIGHTS, 0xa09b)},
         VMCS_GUEST_CS_ACCESS_RIGHTS,
         "SS's DPL"},
        {LONG_MODE,
         {ring_3, ring_3_code, selectors[0], selectors[1], BE(GUEST_CS_ACCESS_RIGHTS, 0xa09f)},
         {BE(GUEST_CS_ACCESS_RIGHTS, 0xa0bb)},
         VMCS_GUEST_CS_ACCESS_RIGHTS,
         "SS's DPL"},
        {UNPAGED,
         {BE(GUEST_CS_ACCESS_RIGHTS, 0xc093)},
         {BE(GUEST_CS_ACCESS_RIGHTS, 0xc0f3)},
         VMCS_GUEST_CS_ACCESS_RIGHTS,
         "0 for type 3"},
        {LONG_MODE,
         {BE(GUEST_CS_ACCESS_RIGHTS, 0xc09b)},
         {BE(GUEST_CS_ACCESS_RIGHTS, 0xe09b)},
         VMCS_GUEST_CS_ACCESS_RIGHTS,
         "D/B must be 0"},
        {PROTECTED,
         {BE(GUEST_CS_ACCESS_RIGHTS, 0xe09b)},
         {BE(GUEST_CS_ACCESS_RIGHTS, 0xe01b)},
         VMCS_GUEST_CS_ACCESS_RIGHTS,
         "P (bit 7)"},
        {LONG_MODE,
         {BE(GUEST_CS_ACCESS_RIGHTS, 0xa09f)},
         {ring_3},
         VMCS_GUEST_SS_ACCESS_RIGHTS,
         "DPL must be the selector's RPL"},
        {LONG_MODE,
         {free, BE(GUEST_CS_ACCESS_RIGHTS, 0xa09f), ring_3},
         {OFF(SECONDARY_CONTROLS, SECONDARY_UNRESTRICTED_GUEST)},
         VMCS_GUEST_SS_ACCESS_RIGHTS,
         "DPL must be the selector's RPL"},
        {LONG_MODE,
         {BE(GUEST_SS_ACCESS_RIGHTS, 0x1c093), BE(GUEST_CS_ACCESS_RIGHTS, 0xa09f)},
         {BE(GUEST_SS_ACCESS_RIGHTS, 0x1c0f3)},
         VMCS_GUEST_SS_ACCESS_RIGHTS,
         "DPL must be the selector's RPL"},
        {REAL,
         {{0}},
         {BE(GUEST_SS_ACCESS_RIGHTS, 0xf3)},
         VMCS_GUEST_SS_ACCESS_RIGHTS,
         "without CR0.PE"},
        {UNPAGED,
         {BE(GUEST_CS_ACCESS_RIGHTS, 0xc093)},
         {ring_3},
         VMCS_GUEST_SS_ACCESS_RIGHTS,
         "CS of type 3"},
        {PROTECTED,
         {BE(GUEST_TR_ACCESS_RIGHTS, 0x83)},
         {BE(GUEST_TR_ACCESS_RIGHTS, 0x81)},
         VMCS_GUEST_TR_ACCESS_RIGHTS,
         "3 or 11"},
        {PROTECTED,
         {{0}},
         {BE(GUEST_TR_ACCESS_RIGHTS, 0x89)},
         VMCS_GUEST_TR_ACCESS_RIGHTS,
         "3 or 11"},
    };
    (void)state;
    check_violations(violations, COUNT_OF(violations));
}

static void privilege_of_data(void **state)
{
    static const int registers[] = {ES, DS, FS, GS};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(registers); i++) {
        uint64_t *selector;
        check_start(LONG_MODE);
        selector = simulated_field(of(VMCS_GUEST_ES_SELECTOR, registers[i]));
        *selector |= 2;
        check_names(of(RIGHTS, registers[i]), "DPL, for types up to 11");
        *rights(registers[i]) |= 0x40;
        check_passes();
        *rights(registers[i]) = 0xc09b; /* code that does not conform: the same */
        check_names(of(RIGHTS, registers[i]), "DPL, for types up to 11");
        *rights(registers[i]) = 0xc09f;
        check_passes();
        *rights(registers[i]) = 0x1c09b;
        check_passes();
        *rights(registers[i]) = 0xc093;
        *simulated_field(VMCS_SECONDARY_CONTROLS) |= SECONDARY_UNRESTRICTED_GUEST;
        check_passes();
    }
}

static void virtual_8086(void **state)
{
    static const struct {
        enum vmcs_field field;
        struct change change;
        const char *rule;
    } rows[] = {
        {VMCS_GUEST_ES_BASE, {0, BIT(6), 0}, "selector times 16"},
        {VMCS_GUEST_ES_BASE, {0, 0, BIT(20)}, "selector times 16"},
        {VMCS_GUEST_ES_LIMIT, {0, 1, 0}, "0xffff"},
        {VMCS_GUEST_ES_LIMIT, {0, 0, BIT(16)}, "0xffff"},
        {RIGHTS, {0, BIT(6), 0}, "0xf3"},
        {RIGHTS, {0, 0, UNUSABLE}, "0xf3"},
        {RIGHTS, {0, 0, BIT(3)}, "0xf3"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (int segment = ES; segment <= GS; segment++)
            broken(V86, segment, rows[i].field,
                   &(struct change){0, rows[i].change.clear, rows[i].change.set}, false,
                   rows[i].rule);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        check_test(each_register),     check_test(granularity),  check_test(code_and_privilege),
        check_test(privilege_of_data), check_test(virtual_8086),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
