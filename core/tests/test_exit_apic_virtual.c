/* SPDX-License-Identifier: MIT */
/* What the CPU's APIC virtualization leaves to be done: exits 43, 44, 45, 56, and VM entries. */
#include "mmio_fixture.h"

#include "../exits/apic_virtual.h"
#include "../vmx/event.h"

#define LOW  0x51
#define HIGH 0x93

static void with(uint32_t primary, uint32_t secondary)
{
    guest.controls[CONTROL_PRIMARY] |= primary;
    guest.controls[CONTROL_SECONDARY] |= secondary;
    exit_field(VMCS_PRIMARY_CONTROLS, guest.controls[CONTROL_PRIMARY]);
    exit_field(VMCS_GUEST_RFLAGS, RFLAGS_FIXED | RFLAGS_IF);
    assert_int_equal(local_apic_write(&guest.apic, 0x80f, 0x1ff), LOCAL_APIC_DONE);
    apic_virtual_prepare(&guest);
}

static uint64_t field(enum vmcs_field encoding)
{
    return *simulated_field(encoding);
}

/* VM entry wants a threshold that the TPR is not below (SDM Vol. 3C 27.2.1.1). */
static void threshold_is_of_what_the_tpr_holds_back(void **state)
{
    (void)state;
    with((uint32_t)PRIMARY_TPR_SHADOW, 0);
    assert_int_equal(field(VMCS_TPR_THRESHOLD), 0);
    for (uint32_t tpr = 0; tpr < 256; tpr += 16) {
        guest.apic.page[4 * 8] = tpr; /* by the CPU */
        local_apic_request(&guest.apic, HIGH);
        exit_field(VMCS_ENTRY_INTERRUPTION_INFO, 0);
        assert_int_equal(exit_take(EXIT_REASON_TPR_BELOW_THRESHOLD, 0), EXIT_EVENTS);
        assert_int_equal(event_prepare(&guest), EXIT_RESUME);
        bool held = tpr >= 0x90;
        assert_int_equal(field(VMCS_TPR_THRESHOLD), held ? 9 : 0);
        assert_true(field(VMCS_TPR_THRESHOLD) <= tpr >> 4);
        assert_int_equal(field(VMCS_ENTRY_INTERRUPTION_INFO), held ? 0 : 0x80000000 | HIGH);
        if (!held)
            assert_int_equal(local_apic_write(&guest.apic, 0x80b, 0), LOCAL_APIC_EVENTS);
        guest.apic.page[4 * (0x20 + HIGH / 32)] = 0;
    }
}

static void threshold_is_written_when_it_changes(void **state)
{
    (void)state;
    with((uint32_t)PRIMARY_TPR_SHADOW, 0);
    unsigned vmwrites = simulated_cpu.executed[SIMULATED_VMWRITE];
    apic_virtual_prepare(&guest);
    assert_int_equal(simulated_cpu.executed[SIMULATED_VMWRITE], vmwrites);
    guest.apic.page[4 * 8] = 0xf0;
    local_apic_request(&guest.apic, LOW);
    apic_virtual_prepare(&guest);
    assert_int_equal(simulated_cpu.executed[SIMULATED_VMWRITE], vmwrites + 1);
    local_apic_reset(&guest.apic, 3); /* then nobody knows what the VMCS has */
    apic_virtual_prepare(&guest);
    assert_int_equal(field(VMCS_TPR_THRESHOLD), 0);
}

static void without_the_shadow_nothing_is_written(void **state)
{
    (void)state;
    unsigned vmwrites = simulated_cpu.executed[SIMULATED_VMWRITE];
    local_apic_request(&guest.apic, LOW);
    apic_virtual_prepare(&guest);
    assert_int_equal(simulated_cpu.executed[SIMULATED_VMWRITE], vmwrites);
}

static void the_cpu_delivers(void **state)
{
    (void)state;
    with((uint32_t)PRIMARY_TPR_SHADOW, SECONDARY_VIRTUAL_INTERRUPT_DELIVERY);
    assert_int_equal(field(VMCS_GUEST_INTERRUPT_STATUS), 0);
    local_apic_request(&guest.apic, LOW);
    local_apic_request(&guest.apic, HIGH);
    event_prepare(&guest);
    assert_int_equal(field(VMCS_ENTRY_INTERRUPTION_INFO), 0);
    assert_int_equal(field(VMCS_GUEST_INTERRUPT_STATUS), HIGH);
    assert_false(guest.controls[CONTROL_PRIMARY] & PRIMARY_INTERRUPT_WINDOW_EXITING);
    guest.apic.page[4 * (0x20 + HIGH / 32)] = 0; /* as the CPU delivers it */
    guest.apic.page[4 * (0x10 + HIGH / 32)] = 1u << HIGH % 32;
    event_prepare(&guest);
    assert_int_equal(field(VMCS_GUEST_INTERRUPT_STATUS), HIGH << 8 | LOW);
    assert_int_equal(local_apic_write(&guest.apic, 0x80b, 0), LOCAL_APIC_EVENTS); /* intercepted */
    event_prepare(&guest);
    assert_int_equal(field(VMCS_GUEST_INTERRUPT_STATUS), LOW);
    /* Those from the pins are injected still. */
    guest.events.acknowledged[1] = 1;
    event_prepare(&guest);
    assert_int_equal(field(VMCS_ENTRY_INTERRUPTION_INFO), 0x80000040);
}

static void what_the_cpu_would_deliver_wakes(void **state)
{
    (void)state;
    with((uint32_t)PRIMARY_TPR_SHADOW, SECONDARY_VIRTUAL_INTERRUPT_DELIVERY);
    local_apic_request(&guest.apic, LOW);
    assert_int_equal(exit_take(EXIT_REASON_HLT, 0), EXIT_EVENTS);
    assert_false(guest.events.halted);
}

static void an_eoi_is_complete(void **state)
{
    (void)state;
    assert_int_equal(exit_take(EXIT_REASON_VIRTUALIZED_EOI, LOW), EXIT_EVENTS);
    expect_unchanged();
}

static void an_apic_write_is_carried_out(void **state)
{
    (void)state;
    with((uint32_t)PRIMARY_TPR_SHADOW, SECONDARY_VIRTUALIZE_X2APIC);
    guest.apic.page[0x3f0 / 4] = 3;
    assert_int_equal(exit_take(EXIT_REASON_APIC_WRITE, 0x3f0), EXIT_EVENTS);
    assert_int_equal(guest.apic.errors, 0x20);
    assert_int_equal(field(VMCS_GUEST_RIP), EXIT_RIP); /* it is complete: a trap */
    assert_int_equal(local_apic_write_base(&guest.apic, 0xfee00000, 48), LOCAL_APIC_EVENTS);
    assert_int_equal(local_apic_write_base(&guest.apic, 0xfee00800, 48), LOCAL_APIC_EVENTS);
    guest.apic.page[0xf0 / 4] = 0x1ff;
    assert_int_equal(exit_take(EXIT_REASON_APIC_WRITE, 0xf0), EXIT_EVENTS);
    guest.apic.page[0x300 / 4] = 1u << 18 | LOW;
    assert_int_equal(exit_take(EXIT_REASON_APIC_WRITE, 0x300), EXIT_EVENTS);
    assert_int_equal(local_apic_waiting(&guest.apic), LOW);
}

/* No qualification leads out of the page. */
static void every_qualification_of_an_apic_write(void **state)
{
    uint64_t seed = 5;
    (void)state;
    for (int i = 0; i < 50000; i++)
        assert_int_equal(exit_take(EXIT_REASON_APIC_WRITE, random_bits(&seed)), EXIT_EVENTS);
}

static void apic_accesses_are_named(void **state)
{
    static const struct {
        uint64_t qualification;
        const char *text;
    } cases[] = {
        {0x2000, "local APIC's page: instruction fetch"},
        {0x3000, "local APIC's page: access while an event is delivered"},
        {0xa000, "local APIC's page: guest-physical access while an event is delivered"},
        {0xf000, "local APIC's page: guest-physical access of an instruction"},
        {0x7000, "local APIC's page: access that the SDM does not define"},
        {~0ull, "local APIC's page: guest-physical access of an instruction"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(exit_take(EXIT_REASON_APIC_ACCESS, cases[i].qualification), EXIT_STOP);
        expect_stop(STOP_UNHANDLED, cases[i].qualification, cases[i].text);
        expect_unchanged();
    }
}

/* The APIC's page is at MMIO_DEVICE for the guest; no guest linear address is in the VMCS. */
static enum exit_outcome access_page(const char *bytes, size_t count, uint64_t qualification)
{
    mmio_code_at(MMIO_CODE, bytes, count);
    exit_field(VMCS_GUEST_LINEAR_ADDRESS, 0x123456789000);
    return exit_take(EXIT_REASON_APIC_ACCESS, qualification);
}
#define ACCESS_PAGE(bytes, qualification) access_page(bytes, sizeof(bytes) - 1, qualification)

static void apic_accesses_are_emulated(void **state)
{
    (void)state;
    assert_int_equal(local_apic_write_base(&guest.apic, 0xfee00000, 48), LOCAL_APIC_EVENTS);
    assert_int_equal(local_apic_write_base(&guest.apic, 0xfee00800, 48), LOCAL_APIC_EVENTS);
    guest.rdi = MMIO_DEVICE;
    guest.rax = 0x1ff;
    /* mov [rdi+0xf0], eax; mov ecx, [rdi+0xf0] */
    assert_int_equal(ACCESS_PAGE("\x89\x87\xf0\0\0\0", 0x10f0), EXIT_RESUME);
    assert_int_equal(field(VMCS_GUEST_RIP), MMIO_CODE + 6);
    assert_int_equal(ACCESS_PAGE("\x8b\x8f\xf0\0\0\0", 0x00f0), EXIT_RESUME);
    assert_int_equal(guest.rcx, 0x1ff);
    /* mov dword [rdi+0x300], an interrupt to itself */
    assert_int_equal(ACCESS_PAGE("\xc7\x87\0\x03\0\0\x51\0\x04\0", 0x1300), EXIT_EVENTS);
    assert_int_equal(local_apic_waiting(&guest.apic), LOW);
}

static void apic_accesses_of_another_instruction(void **state)
{
    (void)state;
    guest.rdi = MMIO_DEVICE;
    assert_int_equal(ACCESS_PAGE("\x8b\x8f\xf0\0\0\0", 0x00e0), EXIT_STOP); /* offset */
    assert_int_equal(guest.stop.cause, STOP_MMIO);
    assert_int_equal(ACCESS_PAGE("\x8b\x8f\xf0\0\0\0", 0x10f0), EXIT_STOP); /* a write */
    assert_int_equal(guest.stop.cause, STOP_MMIO);
    assert_int_equal(guest.stop.value, 0xfee000f0);
    guest.apic.attention |= LOCAL_APIC_HARDWARE; /* no page of ours then */
    assert_int_equal(ACCESS_PAGE("\x8b\x8f\xf0\0\0\0", 0x00f0), EXIT_STOP);
    assert_int_equal(guest.stop.cause, STOP_MMIO);
}

/* Outside x2APIC mode no MSR may pass to the page. */
static void msrs_pass_in_x2apic_mode_alone(void **state)
{
    (void)state;
    guest.controls[CONTROL_PRIMARY] = PRIMARY_MSR_BITMAPS;
    with((uint32_t)PRIMARY_TPR_SHADOW, SECONDARY_VIRTUALIZE_X2APIC);
    static const struct {
        uint64_t base;
        bool pass;
    } modes[] = {{0xfee00000, false}, {0xfee00800, false}, {0xfee00c00, true}};
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        assert_int_equal(local_apic_write_base(&guest.apic, modes[i].base, 48), LOCAL_APIC_EVENTS);
        event_prepare(&guest);
        assert_int_equal(!!(field(VMCS_PRIMARY_CONTROLS) & PRIMARY_MSR_BITMAPS), modes[i].pass);
        assert_int_equal(field(VMCS_PRIMARY_CONTROLS), guest.controls[CONTROL_PRIMARY]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        exit_test(threshold_is_of_what_the_tpr_holds_back),
        exit_test(threshold_is_written_when_it_changes),
        exit_test(without_the_shadow_nothing_is_written),
        exit_test(the_cpu_delivers),
        exit_test(what_the_cpu_would_deliver_wakes),
        exit_test(an_eoi_is_complete),
        exit_test(an_apic_write_is_carried_out),
        exit_test(every_qualification_of_an_apic_write),
        exit_test(apic_accesses_are_named),
        mmio_test(apic_accesses_are_emulated),
        mmio_test(apic_accesses_of_another_instruction),
        exit_test(msrs_pass_in_x2apic_mode_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
