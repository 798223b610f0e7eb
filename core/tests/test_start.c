/* SPDX-License-Identifier: MIT */
/* Starts in each mode, with and without "unrestricted guest": VM entry would take every one. */
#include "check_fixture.h"

#include "../x86/control_registers.h"
#include "../x86/msr.h"

#include <string.h>

#define GUEST_PAGES  8u
#define IDENTITY_MAP 0x4000ull

static char *memory; /* the guest's, from 0 on; its last page read-only */

static int start_setup(void **state)
{
    if (check_setup(state))
        return -1;
    memory = platform_pages_allocate(GUEST_PAGES, PAGE_SIZE);
    uint64_t host = platform_physical(memory), last = (GUEST_PAGES - 1) * PAGE_SIZE;
    return ept_map(&fixture_ept, 0, host, last, EPT_ALL) &&
                   ept_map(&fixture_ept, last, host + last, PAGE_SIZE, EPT_READ)
               ? 0
               : -1;
}

static int start_teardown(void **state)
{
    platform_pages_free(memory, GUEST_PAGES);
    return check_teardown(state);
}

static void apply(bool unrestricted)
{
    fixture_policy.controls[CONTROL_SECONDARY].clear =
        unrestricted ? 0 : SECONDARY_UNRESTRICTED_GUEST;
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    *simulated_field(VMCS_HOST_TR_BASE) = 0xffff89abcdef1234; /* as check_setup() has it */
    assert_int_equal(*simulated_field(VMCS_SECONDARY_CONTROLS) >> 7 & 1, unrestricted);
}

static uint64_t field(enum vmcs_field encoding)
{
    return *simulated_field(encoding);
}

static void is_segment(int index, uint16_t selector, uint64_t base, uint32_t limit, uint32_t rights)
{
    assert_int_equal(field((enum vmcs_field)(VMCS_GUEST_ES_SELECTOR + 2 * index)), selector);
    assert_int_equal(field((enum vmcs_field)(VMCS_GUEST_ES_BASE + 2 * index)), base);
    assert_int_equal(field((enum vmcs_field)(VMCS_GUEST_ES_LIMIT + 2 * index)), limit);
    assert_int_equal(field((enum vmcs_field)(VMCS_GUEST_ES_ACCESS_RIGHTS + 2 * index)), rights);
}

/* A start that must succeed, whatever was in the guest-state area before. */
static void starts(const struct vcpu_start *start)
{
    for (int i = 0; i < SIMULATED_FIELDS; i++)
        if (i >> 9 == VMCS_GROUP_GUEST)
            simulated_cpu.current->fields[i] = 0x77;
    unsigned invalidations = simulated_cpu.executed[SIMULATED_INVVPID];
    if (!vcpu_start(fixture_vcpu, start))
        fail_msg("%s", fixture_vcpu->stop.text);
    assert_int_equal(simulated_cpu.executed[SIMULATED_INVVPID], invalidations + 1);
    check_passes();
    bool long_mode = start->mode == VCPU_LONG;
    assert_int_equal(field(VMCS_ENTRY_CONTROLS) >> 9 & 1, long_mode);
    assert_int_equal(fixture_vcpu->controls[CONTROL_ENTRY], field(VMCS_ENTRY_CONTROLS));
    assert_int_equal(field(VMCS_GUEST_EFER), long_mode ? 0x500 : 0);
    assert_int_equal(field(VMCS_GUEST_RIP), start->rip);
    assert_int_equal(field(VMCS_GUEST_RSP), start->rsp);
}

static void refused(const struct vcpu_start *start, const char *text)
{
    struct simulated_vmcs before = *simulated_cpu.current;

    fixture_vcpu->stop = (struct vcpu_stop){STOP_NONE, 0, 0, NULL};
    assert_false(vcpu_start(fixture_vcpu, start));
    assert_int_equal(fixture_vcpu->stop.cause, STOP_START_REFUSED);
    if (!strstr(fixture_vcpu->stop.text, text))
        fail_msg("%s\nlacks: %s", fixture_vcpu->stop.text, text);
    assert_memory_equal(&before, simulated_cpu.current, sizeof(before));
}

static void long_mode(void **state)
{
    static const struct vcpu_start start = {
        .rip = 0xffffffff80000000, .rsp = 0x7000, .cr3 = 0x1000};
    (void)state;
    for (int unrestricted = 0; unrestricted < 2; unrestricted++) {
        apply(unrestricted);
        starts(&start);
        assert_int_equal(field(VMCS_GUEST_CR0), 0x80010031);
        assert_int_equal(field(VMCS_CR0_MASK), unrestricted ? 0x60000020 : 0xe0000021);
        assert_int_equal(field(VMCS_GUEST_CR3), 0x1000);
        assert_int_equal(field(VMCS_GUEST_CR4), 0x2020);
    }
}

/* Beside what is the host's anyway, and PAE still there when the core has no more use for it. */
static void masks_of_the_policy(void **state)
{
    static const struct vcpu_start paged = {.rip = 0x1000, .cr3 = 0x1000};
    static const struct vcpu_start unpaged = {
        .mode = VCPU_PROTECTED, .rip = 0x1000, .identity_map = IDENTITY_MAP};
    (void)state;
    fixture_policy.cr0_mask = CR0_TS | CR0_WP;
    fixture_policy.cr4_mask = CR4_PAE | CR4_PGE;
    apply(true);
    starts(&paged);
    assert_int_equal(field(VMCS_CR0_MASK), 0x60000020 | CR0_TS | CR0_WP);
    assert_int_equal(field(VMCS_CR0_SHADOW), 0x80010031);
    assert_int_equal(field(VMCS_CR4_MASK), 0x60a0);
    apply(false);
    starts(&unpaged);
    assert_int_equal(field(VMCS_CR0_MASK), 0xe0000021 | CR0_TS | CR0_WP);
    assert_int_equal(field(VMCS_CR4_MASK), 0x3060b0);
    starts(&paged);
    assert_int_equal(field(VMCS_CR4_MASK), 0x60a0);
    fixture_policy.cr0_mask = fixture_policy.cr4_mask = 0;
    apply(true);
    starts(&paged);
    assert_int_equal(field(VMCS_CR0_MASK), 0x60000020);
    assert_int_equal(field(VMCS_CR4_MASK), 0x6000);
}

static void flat_protected(void)
{
    for (int i = 0; i < 6; i++)
        is_segment(i, i == 1 ? 8 : 0x10, 0, UINT32_MAX, i == 1 ? 0xc09b : 0xc093);
    is_segment(6, 0, 0, 0, 0x10000);
    is_segment(7, 0, 0, 0x67, 0x8b);
    assert_int_equal(field(VMCS_CR0_SHADOW), CR0_PE | CR0_ET);
    assert_int_equal(field(VMCS_CR4_SHADOW), 0);
}

static void protected_mode(void **state)
{
    static const struct vcpu_start start = {.mode = VCPU_PROTECTED,
                                            .rip = 0xfffffff0,
                                            .rsp = 0x6000,
                                            .cr3 = 0x3000,
                                            .identity_map = IDENTITY_MAP};
    (void)state;
    apply(true);
    starts(&start);
    flat_protected();
    assert_int_equal(field(VMCS_GUEST_CR0), 0x31);
    assert_int_equal(field(VMCS_CR0_MASK), 0x60000020);
    assert_int_equal(field(VMCS_GUEST_CR3), 0x3000);
    assert_int_equal(field(VMCS_GUEST_CR4), 0x2000);
    assert_int_equal(field(VMCS_PRIMARY_CONTROLS), 0x96006172);
    for (uint64_t i = 0; i < GUEST_PAGES * PAGE_SIZE; i++) /* no use for the page */
        assert_int_equal(memory[i], 0);
}

/* The same for the guest: under an identity map, PG and the map hidden from it. */
static void protected_mode_without_unrestricted_guest(void **state)
{
    static const struct vcpu_start start = {.mode = VCPU_PROTECTED,
                                            .rip = 0xfffffff0,
                                            .rsp = 0x6000,
                                            .cr3 = 0x3000,
                                            .identity_map = IDENTITY_MAP};
    const uint32_t *map = (const uint32_t *)(memory + IDENTITY_MAP);
    (void)state;
    apply(false);
    for (int again = 0; again < 2; again++) {
        starts(&start);
        flat_protected();
        assert_int_equal(field(VMCS_GUEST_CR0), 0x80000031);
        assert_int_equal(field(VMCS_CR0_MASK), 0xe0000021);
        assert_int_equal(field(VMCS_GUEST_CR3), IDENTITY_MAP);
        assert_int_equal(field(VMCS_GUEST_CR4), 0x2010);
        assert_int_equal(field(VMCS_CR4_MASK), 0x306030); /* SMAP, SMEP, SMXE, VMXE, PAE, PSE */
        assert_int_equal(field(VMCS_PRIMARY_CONTROLS), 0x8601e172);
        assert_int_equal(fixture_vcpu->controls[CONTROL_PRIMARY], 0x8601e172);
        assert_int_equal(fixture_vcpu->unpaged.cr3, 0x3000);
    }
    for (uint32_t i = 0; i < 1024; i++)
        assert_int_equal(map[i], i << 22 | 0xe7);
    for (uint64_t i = 0; i < GUEST_PAGES * PAGE_SIZE; i++)
        if (i / PAGE_SIZE != IDENTITY_MAP / PAGE_SIZE)
            assert_int_equal(memory[i], 0);

    /* And what was done for it is undone for the next. */
    static const struct vcpu_start next = {.rip = 0x1000};
    starts(&next);
    assert_int_equal(field(VMCS_PRIMARY_CONTROLS), 0x96006172);
    assert_int_equal(field(VMCS_CR4_MASK), 0x6000);
    assert_false(fixture_vcpu->unpaged.active);
    starts(&start);
    apply(false);
    assert_false(fixture_vcpu->unpaged.active);
}

static void real_mode(void **state)
{
    uint64_t seed = 11;
    (void)state;
    apply(true);
    for (int i = 0; i < 200; i++) {
        const struct vcpu_start start = {.mode = VCPU_REAL,
                                         .cs = i ? (uint16_t)random_bits(&seed) : 0xffff,
                                         .rip = random_bits(&seed) & 0xffff,
                                         .rsp = random_bits(&seed) & 0xffff};
        starts(&start);
        for (int segment = 0; segment < 6; segment++)
            if (segment != 1)
                is_segment(segment, 0, 0, 0xffff, 0x93);
        is_segment(1, start.cs, (uint64_t)start.cs << 4, 0xffff, 0x9b);
        is_segment(6, 0, 0, 0xffff, 0x82);
        is_segment(7, 0, 0, 0xffff, 0x8b);
    }
    assert_int_equal(field(VMCS_GUEST_CR0), 0x30);
    assert_int_equal(field(VMCS_CR0_SHADOW), 0x10);
    assert_int_equal(field(VMCS_GUEST_CR4), 0x2000);
    assert_int_equal(field(VMCS_CR4_SHADOW), 0);
    assert_int_equal(field(VMCS_GUEST_IDTR_BASE), 0);
    assert_int_equal(field(VMCS_GUEST_IDTR_LIMIT), 0xffff);
    assert_int_equal(field(VMCS_GUEST_GDTR_LIMIT), 0xffff);
}

static void a_sipi_and_reset(void **state)
{
    static const struct vcpu_start reset = {.mode = VCPU_REAL, .cs = 0xf000, .rip = 0xfff0};
    (void)state;
    apply(true);
    for (unsigned vector = 0; vector < 256; vector++) {
        const struct vcpu_start sipi = {.mode = VCPU_REAL, .cs = (uint16_t)(vector << 8)};
        starts(&sipi);
        assert_int_equal(field(VMCS_GUEST_CS_BASE), vector << 12);
    }
    starts(&reset);
    assert_int_equal(field(VMCS_GUEST_CS_BASE) + field(VMCS_GUEST_RIP), 0xffff0);
}

static void what_cannot_be_had(void **state)
{
    static const uint64_t no_pages[] = {IDENTITY_MAP + 8, GUEST_PAGES * PAGE_SIZE,
                                        (GUEST_PAGES - 1) * PAGE_SIZE, 1ull << 32, ~0xfffull};
    struct vcpu_start start = {.mode = VCPU_REAL, .identity_map = IDENTITY_MAP};
    (void)state;
    apply(false);
    refused(&start, "real mode takes the control \"unrestricted guest\"");
    start = (struct vcpu_start){.mode = VCPU_PROTECTED};
    refused(&start, "\"unrestricted guest\" or a page for an identity map");
    for (size_t i = 0; i < COUNT_OF(no_pages); i++) {
        start.identity_map = no_pages[i];
        refused(&start, "no page of guest memory");
    }
    /* Without the CPU's support as without the policy's. */
    fixture_cpu.capability.controls[CONTROL_SECONDARY] &=
        ~((uint64_t)SECONDARY_UNRESTRICTED_GUEST << 32);
    fixture_policy.controls[CONTROL_SECONDARY].clear = 0;
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    start = (struct vcpu_start){.mode = VCPU_REAL};
    refused(&start, "unrestricted guest");
}

#define start_test(function) cmocka_unit_test_setup_teardown(function, start_setup, start_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        start_test(long_mode),          start_test(masks_of_the_policy),
        start_test(protected_mode),     start_test(protected_mode_without_unrestricted_guest),
        start_test(real_mode),          start_test(a_sipi_and_reset),
        start_test(what_cannot_be_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
