/* SPDX-License-Identifier: MIT */
/* The tables of VMCS fields, exit reasons and stop causes, held against the SDM. */
#include "tests.h"

#include "../vmx/exit_reason.h"
#include "../vmx/stop.h"
#include "../vmx/vmcs_field.h"

#include <string.h>

static void encodings_rise(void **state)
{
    size_t count;
    const struct vmcs_field_description *fields = vmcs_fields(&count);
    (void)state;
    assert_true(count > 170);
    for (size_t i = 1; i < count; i++)
        assert_true(fields[i].encoding > fields[i - 1].encoding);
    for (size_t i = 0; i < count; i++) {
        /* bit 0 is the access type, bit 12 and bits 31:15 are reserved */
        assert_int_equal(fields[i].encoding & ~0x6ffeu, 0);
        assert_true(strlen(fields[i].name) > 0);
        assert_string_equal(vmcs_field_name(fields[i].encoding), fields[i].name);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(fields[i].name, fields[j].name);
    }
}

/* Names say "guest" and "host"; a few guest-state fields go by names without it. */
static void names_fit_their_group(void **state)
{
    static const char *const guests_without_name[] = {
        "PML index", "VMCS link pointer", "PDPTE", "VMX-preemption timer value", "guest-",
    };
    size_t count;
    const struct vmcs_field_description *fields = vmcs_fields(&count);
    (void)state;
    for (size_t i = 0; i < count; i++) {
        const char *name = fields[i].name;
        enum vmcs_field_group group = VMCS_FIELD_GROUP(fields[i].encoding);
        bool guest = !strncmp(name, "guest ", 6), host = !strncmp(name, "host ", 5);
        assert_int_equal(host, group == VMCS_GROUP_HOST);
        if (group == VMCS_GROUP_GUEST)
            for (size_t j = 0; j < COUNT_OF(guests_without_name); j++)
                guest |= !strncmp(name, guests_without_name[j], strlen(guests_without_name[j]));
        /* The guest linear address is exit information. */
        if (fields[i].encoding != VMCS_GUEST_LINEAR_ADDRESS)
            assert_int_equal(guest, group == VMCS_GROUP_GUEST);
    }
}

static bool ends_in(const char *name, const char *end)
{
    size_t length = strlen(name), end_length = strlen(end);
    return length >= end_length && !strcmp(name + length - end_length, end);
}

static void names_fit_their_width(void **state)
{
    static const struct {
        const char *end;
        enum vmcs_field_width width;
    } ends[] = {
        {" selector", VMCS_WIDTH_16},        {" limit", VMCS_WIDTH_32},
        {" access rights", VMCS_WIDTH_32},   {" base", VMCS_WIDTH_NATURAL},
        {" count", VMCS_WIDTH_32},           {"IA32_PAT", VMCS_WIDTH_64},
        {"IA32_EFER", VMCS_WIDTH_64},        {"-bitmap address", VMCS_WIDTH_64},
        {"IA32_SYSENTER_CS", VMCS_WIDTH_32}, {"IA32_SYSENTER_ESP", VMCS_WIDTH_NATURAL},
        {"error code", VMCS_WIDTH_32},       {"IA32_DEBUGCTL", VMCS_WIDTH_64},
    };
    size_t count, seen = 0;
    const struct vmcs_field_description *fields = vmcs_fields(&count);
    (void)state;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < COUNT_OF(ends); j++)
            if (ends_in(fields[i].name, ends[j].end)) {
                assert_int_equal(VMCS_FIELD_WIDTH(fields[i].encoding), ends[j].width);
                seen++;
            }
    assert_true(seen > 50);
}

/* SDM Vol. 3D appendix B, one of each width and group. */
static void well_known_encodings(void **state)
{
    (void)state;
    assert_int_equal(VMCS_VIRTUAL_PROCESSOR_ID, 0x0000);
    assert_int_equal(VMCS_GUEST_TR_SELECTOR, 0x080e);
    assert_int_equal(VMCS_HOST_TR_SELECTOR, 0x0c0c);
    assert_int_equal(VMCS_MSR_BITMAP, 0x2004);
    assert_int_equal(VMCS_EPT_POINTER, 0x201a);
    assert_int_equal(VMCS_TERTIARY_CONTROLS, 0x2034);
    assert_int_equal(VMCS_GUEST_PHYSICAL_ADDRESS, 0x2400);
    assert_int_equal(VMCS_GUEST_VMCS_LINK, 0x2800);
    assert_int_equal(VMCS_HOST_EFER, 0x2c02);
    assert_int_equal(VMCS_SECONDARY_CONTROLS, 0x401e);
    assert_int_equal(VMCS_INSTRUCTION_ERROR, 0x4400);
    assert_int_equal(VMCS_EXIT_REASON, 0x4402);
    assert_int_equal(VMCS_EXIT_INSTRUCTION_LENGTH, 0x440c);
    assert_int_equal(VMCS_GUEST_INTERRUPTIBILITY, 0x4824);
    assert_int_equal(VMCS_PREEMPTION_TIMER, 0x482e);
    assert_int_equal(VMCS_HOST_SYSENTER_CS, 0x4c00);
    assert_int_equal(VMCS_CR4_SHADOW, 0x6006);
    assert_int_equal(VMCS_EXIT_QUALIFICATION, 0x6400);
    assert_int_equal(VMCS_GUEST_RIP, 0x681e);
    assert_int_equal(VMCS_GUEST_RFLAGS, 0x6820);
    assert_int_equal(VMCS_HOST_RIP, 0x6c16);
}

static void fields_that_are_not(void **state)
{
    static const uint32_t none[] = {0x000a, 0x2001, 0x4026, 0x6830, 0x7fff, UINT32_MAX};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(none); i++)
        assert_string_equal(vmcs_field_name(none[i]), "unknown field");
}

static void exit_reasons(void **state)
{
    (void)state;
    for (uint32_t reason = 0; reason < 0x10000; reason++) {
        bool assigned = reason < 80 && reason != 35 && reason != 38 && reason != 42 && reason != 71;
        const char *name = exit_reason_name(reason);
        assert_int_equal(strcmp(name, "unknown exit reason") != 0, assigned);
        assert_ptr_equal(exit_reason_name(reason | 0x80000000), name);
        assert_ptr_equal(exit_reason_name(reason | 0x7fff0000), name);
    }
    assert_string_equal(exit_reason_name(0), "exception or NMI");
    assert_string_equal(exit_reason_name(10), "CPUID");
    assert_string_equal(exit_reason_name(28), "control-register access");
    assert_string_equal(exit_reason_name(48), "EPT violation");
    assert_string_equal(exit_reason_name(55), "XSETBV");
    assert_string_equal(exit_reason_name(69), "LOADIWKEY");
}

static void stop_causes(void **state)
{
    (void)state;
    for (int cause = 0; cause < STOP_CAUSES; cause++) {
        const char *name = stop_cause_name((enum stop_cause)cause);
        assert_string_not_equal(name, "unknown cause");
        for (int other = 0; other < cause; other++)
            assert_string_not_equal(name, stop_cause_name((enum stop_cause)other));
    }
    assert_string_equal(stop_cause_name(STOP_CAUSES), "unknown cause");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodings_rise),        cmocka_unit_test(names_fit_their_group),
        cmocka_unit_test(names_fit_their_width), cmocka_unit_test(well_known_encodings),
        cmocka_unit_test(fields_that_are_not),   cmocka_unit_test(exit_reasons),
        cmocka_unit_test(stop_causes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
