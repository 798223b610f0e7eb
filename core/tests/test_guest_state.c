/* SPDX-License-Identifier: MIT */
/* The 64-bit start, held against the VM-entry checks of SDM Vol. 3C 27.3.1; and the state dump. */
#include "vcpu_fixture.h"

#include "../vmx/dump.h"
#include "../x86/msr.h"

#include <string.h>

static const struct vcpu_start start = {
    .rip = 0x100000, .rsp = 0x80000, .cr3 = 0x1000, .rdi = 1, .rsi = 2, .rdx = 3};

static uint64_t field(enum vmcs_field encoding)
{
    return *simulated_field(encoding);
}

static int start_guest(void **state)
{
    if (vcpu_setup(state) || !vcpu_apply_policy(fixture_vcpu, &fixture_policy))
        return -1;
    for (int i = 0; i < SIMULATED_FIELDS; i++)
        if (i >> 9 == VMCS_GROUP_GUEST) /* whatever was there before */
            simulated_cpu.current->fields[i] = 0x77;
    memset(fixture_vcpu, 0x66, VCPU_FRAME_END);
    return vcpu_start(fixture_vcpu, &start) ? 0 : -1;
}

static void segments(void **state)
{
    static const uint16_t selectors[8] = {0x10, 8, 0x10, 0x10, 0x10, 0x10, 0, 0};
    static const uint32_t limits[8] = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX,
                                       UINT32_MAX, UINT32_MAX, 0,          0x67};
    static const uint32_t rights[8] = {0xc093, 0xa09b, 0xc093,  0xc093,
                                       0xc093, 0xc093, 0x10000, 0x8b};
    (void)state;
    for (int i = 0; i < 8; i++) {
        assert_int_equal(field((enum vmcs_field)(VMCS_GUEST_ES_SELECTOR + 2 * i)), selectors[i]);
        assert_int_equal(field((enum vmcs_field)(VMCS_GUEST_ES_BASE + 2 * i)), 0);
        assert_int_equal(field((enum vmcs_field)(VMCS_GUEST_ES_LIMIT + 2 * i)), limits[i]);
        assert_int_equal(field((enum vmcs_field)(VMCS_GUEST_ES_ACCESS_RIGHTS + 2 * i)), rights[i]);
    }
}

static void control_registers_keep_the_fixed_bits(void **state)
{
    (void)state;
    uint64_t cr0 = field(VMCS_GUEST_CR0), cr4 = field(VMCS_GUEST_CR4);
    assert_int_equal(cr0, 0x80010031);
    assert_int_equal(cr4, 0x2020);
    assert_int_equal(cr4 & 0x2000, 0x2000);
    assert_int_equal(field(VMCS_CR0_MASK), 0x60000020); /* NE; NW and CD */
    assert_int_equal(field(VMCS_CR0_SHADOW), 0x80010031);
    assert_int_equal(field(VMCS_CR4_MASK), 0x6000); /* VMXE, SMXE */
    assert_int_equal(field(VMCS_CR4_SHADOW), 0x20); /* VMXE is not for the guest to see */
    assert_int_equal(field(VMCS_GUEST_CR3), 0x1000);
    assert_int_equal(field(VMCS_GUEST_EFER), 0x500);
}

/* Else it could clear them without a VM exit, and VM entry would refuse it. */
static void without_unrestricted_guest_pe_and_pg_are_the_hosts(void **state)
{
    (void)state;
    fixture_policy.controls[CONTROL_SECONDARY].clear = SECONDARY_UNRESTRICTED_GUEST;
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    assert_true(vcpu_start(fixture_vcpu, &start));
    assert_int_equal(field(VMCS_CR0_MASK), 0xe0000021);
    assert_int_equal(field(VMCS_CR0_SHADOW), 0x80010031);
    assert_int_equal(field(VMCS_GUEST_CR0), 0x80010031);
}

static void everything_else(void **state)
{
    static const struct {
        enum vmcs_field field;
        uint64_t value;
    } wanted[] = {
        {VMCS_GUEST_PAT, 0x0007040600070406},
        {VMCS_GUEST_DEBUGCTL, 0},
        {VMCS_GUEST_DR7, 0x400},
        {VMCS_GUEST_GDTR_BASE, 0},
        {VMCS_GUEST_GDTR_LIMIT, 0},
        {VMCS_GUEST_IDTR_BASE, 0},
        {VMCS_GUEST_IDTR_LIMIT, 0},
        {VMCS_GUEST_SYSENTER_CS, 0},
        {VMCS_GUEST_SYSENTER_ESP, 0},
        {VMCS_GUEST_SYSENTER_EIP, 0},
        {VMCS_GUEST_RSP, 0x80000},
        {VMCS_GUEST_RIP, 0x100000},
        {VMCS_GUEST_RFLAGS, 2},
        {VMCS_GUEST_INTERRUPTIBILITY, 0},
        {VMCS_GUEST_ACTIVITY, 0},
        {VMCS_GUEST_PENDING_DEBUG, 0},
        {VMCS_GUEST_VMCS_LINK, UINT64_MAX},
        {VMCS_ENTRY_INTERRUPTION_INFO, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wanted); i++)
        if (field(wanted[i].field) != wanted[i].value)
            fail_msg("%s: 0x%llx", vmcs_field_name(wanted[i].field),
                     (unsigned long long)field(wanted[i].field));
}

static void registers(void **state)
{
    const struct vcpu *v = fixture_vcpu;
    (void)state;
    assert_int_equal(v->rdi, 1);
    assert_int_equal(v->rsi, 2);
    assert_int_equal(v->rdx, 3);
    assert_int_equal(v->rax | v->rbx | v->rcx | v->rbp, 0);
    assert_int_equal(v->r8 | v->r9 | v->r10 | v->r11 | v->r12 | v->r13 | v->r14 | v->r15, 0);
}

static void any_vmwrite_fails(void **state)
{
    unsigned n = 1;
    (void)state;
    for (;; n++) {
        simulated_log_clear();
        simulated_fail(SIMULATED_VMWRITE, n, VMX_FAIL_VALID, 12);
        if (vcpu_start(fixture_vcpu, &start))
            break;
        assert_int_equal(fixture_vcpu->stop.cause, STOP_VMCS_REFUSED);
        assert_true(simulated_log_has(vmcs_field_name((uint32_t)fixture_vcpu->stop.value)));
    }
    assert_int_equal(n, 8 * 4 + 27 + 1);
    simulated_fail(SIMULATED_VMWRITE, 0, VMX_SUCCEED, 0);
}

static void dump_shows_the_state(void **state)
{
    static const char *const shown[] = {
        "guest stopped: VM exit without a handler: INS or OUTS (value 0x610018)",
        "exit reason 30 (I/O instruction), raw 0x1e",
        "qualification 0x610018",
        "rip 0000000000100000  rflags 00000002",
        "rdi 0000000000000001",
        "rsp 0000000000080000",
        "r15 0000000000000abc",
        "cr0 80010031  cr3 0000000000001000  cr4 00002020  efer 500  dr7 400",
        "cs\t0008 base 0000000000000000 limit ffffffff rights 0a09b",
        "controls: pin 7f primary 96006172 secondary 10aa",
        "bytes at rip, taken as guest-physical: 6c 90 (not mapped)",
    };
    uint8_t *page = platform_pages_allocate(1, PAGE_SIZE);
    (void)state;
    *simulated_field(VMCS_EXIT_QUALIFICATION) = 0x610018;
    page[0xffe] = 0x6c;
    page[0xfff] = 0x90;
    assert_true(ept_map(&fixture_ept, 0xff000, platform_physical(page), PAGE_SIZE, EPT_ALL));
    fixture_vcpu->r15 = 0xabc;
    fixture_vcpu->stop = (struct vcpu_stop){STOP_UNHANDLED, 30, 0x610018, "INS or OUTS"};
    vcpu_dump(fixture_vcpu);
    for (size_t i = 0; i < COUNT_OF(shown) - 1; i++)
        if (!simulated_log_has(shown[i]))
            fail_msg("the dump lacks: %s\n%s", shown[i], simulated_log());
    simulated_log_clear();
    *simulated_field(VMCS_GUEST_CS_BASE) = 0xf0000; /* real mode */
    *simulated_field(VMCS_GUEST_RIP) = 0xfffe;
    vcpu_dump(fixture_vcpu);
    assert_true(simulated_log_has(shown[COUNT_OF(shown) - 1]));

    simulated_log_clear();
    fixture_vcpu->stop = (struct vcpu_stop){STOP_ENTRY_FAILED, 0x80000021, 0, NULL};
    vcpu_dump(fixture_vcpu);
    assert_true(simulated_log_has("guest stopped: VM entry failed on guest state (value 0x0)"));
    assert_true(simulated_log_has("VM-entry failure, raw 0x80000021"));
    platform_pages_free(page, 1);
}

#define guest_test(function) cmocka_unit_test_setup_teardown(function, start_guest, vcpu_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        guest_test(segments),
        guest_test(control_registers_keep_the_fixed_bits),
        guest_test(without_unrestricted_guest_pe_and_pg_are_the_hosts),
        guest_test(everything_else),
        guest_test(registers),
        guest_test(any_vmwrite_fails),
        guest_test(dump_shows_the_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
