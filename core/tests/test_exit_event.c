/* SPDX-License-Identifier: MIT */
/* Exceptions for the guest, and its registers by number. */
#include "exit_fixture.h"

#include "../vmx/event.h"
#include "../vmx/registers.h"
#include "../x86/control_registers.h"

#include <string.h>

/* SDM Vol. 3A table 6-1: #DF, #TS, #NP, #SS, #GP, #PF, #AC and #CP push an error code. */
static bool has_error_code(unsigned vector)
{
    return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21;
}

static void exceptions(void **state)
{
    (void)state;
    for (unsigned vector = 0; vector < 32; vector++)
        for (int protected_mode = 0; protected_mode < 2; protected_mode++) {
            bool code = protected_mode && has_error_code(vector);
            if (vector == 2) /* an NMI is no exception */
                continue;
            exit_field(VMCS_GUEST_CR0, protected_mode ? CR0_PE : 0);
            exit_field(VMCS_ENTRY_EXCEPTION_ERROR_CODE, 0x99);
            enum exit_outcome outcome =
                event_exception(&guest, (enum exception_vector)vector, 0x18);
            assert_int_equal(outcome, EXIT_RESUME);
            assert_int_equal(*simulated_field(VMCS_ENTRY_INTERRUPTION_INFO),
                             0x80000300 | vector | (code ? 0x800 : 0));
            assert_int_equal(*simulated_field(VMCS_ENTRY_EXCEPTION_ERROR_CODE), code ? 0x18 : 0x99);
            assert_int_equal(*simulated_field(VMCS_GUEST_RIP), EXIT_RIP);
        }
}

static void page_faults_set_cr2(void **state)
{
    (void)state;
    assert_int_equal(event_page_fault(&guest, 0xffff800000001234, 6), EXIT_RESUME);
    assert_int_equal(simulated_cpu.cr2, 0xffff800000001234);
    assert_int_equal(*simulated_field(VMCS_ENTRY_INTERRUPTION_INFO), 0x80000b0e);
    assert_int_equal(*simulated_field(VMCS_ENTRY_EXCEPTION_ERROR_CODE), 6);
}

/* In the order of their numbers in a ModR/M byte with REX prefix. */
static void registers_by_number(void **state)
{
    uint64_t *const in_vcpu[16] = {
        &guest.rax, &guest.rcx, &guest.rdx, &guest.rbx, NULL,       &guest.rbp,
        &guest.rsi, &guest.rdi, &guest.r8,  &guest.r9,  &guest.r10, &guest.r11,
        &guest.r12, &guest.r13, &guest.r14, &guest.r15,
    };
    (void)state;
    for (unsigned number = 0; number < 16; number++) {
        if (number == REGISTER_RSP)
            continue;
        *in_vcpu[number] = 0x1000 + number;
        assert_int_equal(vcpu_register(&guest, number), 0x1000 + number);
        vcpu_set_register(&guest, number, ~(uint64_t)number);
        assert_int_equal(*in_vcpu[number], ~(uint64_t)number);
    }
    assert_int_equal(simulated_cpu.executed[SIMULATED_VMREAD], 0);
    assert_int_equal(simulated_cpu.executed[SIMULATED_VMWRITE], 0);
}

static void rsp_is_in_the_vmcs(void **state)
{
    struct vcpu before;
    (void)state;
    memcpy(&before, &guest, sizeof(guest));
    exit_field(VMCS_GUEST_RSP, 0x7000);
    assert_int_equal(vcpu_register(&guest, REGISTER_RSP), 0x7000);
    vcpu_set_register(&guest, REGISTER_RSP, 0x8000);
    assert_int_equal(*simulated_field(VMCS_GUEST_RSP), 0x8000);
    assert_memory_equal(&guest, &before, sizeof(guest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        exit_test(exceptions),
        exit_test(page_faults_set_cr2),
        exit_test(registers_by_number),
        exit_test(rsp_is_in_the_vmcs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
