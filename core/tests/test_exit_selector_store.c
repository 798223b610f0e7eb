/* SPDX-License-Identifier: MIT */
/* SLDT and STR: to memory, and to registers by the operand size that the prefixes give. */
#include "descriptor_fixture.h"

#include "../vmx/registers.h"

#include <string.h>

enum {
    SLDT = 0,
    STR = 1,
};

#define IN_REGISTER(number) (1u << 10 | (uint64_t)(number) << 3)

static enum exit_outcome take(unsigned instruction, uint64_t more, uint64_t displacement)
{
    return descriptor_take(EXIT_REASON_LDTR_OR_TR, instruction, more, displacement);
}

static void stores_to_memory(void **state)
{
    (void)state;
    exit_field(VMCS_GUEST_LDTR_SELECTOR, 0x1234);
    exit_field(VMCS_GUEST_TR_SELECTOR, 0x5678);
    for (unsigned instruction = SLDT; instruction <= STR; instruction++) {
        memset(descriptor_memory + DESCRIPTOR_DATA, 0xcc, 8);
        assert_int_equal(take(instruction, 0, DESCRIPTOR_DATA + 1), EXIT_RESUME);
        expect_completed();
        assert_memory_equal(descriptor_memory + DESCRIPTOR_DATA,
                            instruction == STR ? "\xcc\x78\x56\xcc" : "\xcc\x34\x12\xcc", 4);
    }
    exit_field(VMCS_GUEST_SS_ACCESS_RIGHTS, 0xc0f3);
    exit_field(VMCS_GUEST_CR0, 0x80000033 | CR0_AM);
    exit_field(VMCS_GUEST_RFLAGS, 2 | RFLAGS_AC);
    assert_int_equal(take(STR, 0, DESCRIPTOR_DATA + 1), EXIT_RESUME);
    descriptor_expect(0x80000b11, 0);
    assert_int_equal(take(STR, 0, DESCRIPTOR_DATA + 2), EXIT_RESUME);
    expect_completed();
}

/* The operand size is in the prefixes, and those alone; code by the SDM's opcode map. */
static void stores_to_registers(void **state)
{
    static const struct {
        const char *code;
        uint64_t length;
        uint32_t cs; /* access rights */
        unsigned bytes;
    } cases[] = {
        {"\x0f\x00\xc0", 3, 0xa09b, 4},
        {"\x66\x0f\x00\xc0", 4, 0xa09b, 2},
        {"\x48\x0f\x00\xc0", 4, 0xa09b, 8},
        {"\x66\x48\x0f\x00\xc0", 5, 0xa09b, 8}, /* REX.W wins */
        {"\x48\x66\x0f\x00\xc0", 5, 0xa09b, 2}, /* a REX that is not the last is none */
        {"\x2e\x41\x0f\x00\xc0", 5, 0xa09b, 4},
        {"\x66\x2e\x66\x41\x0f\x00\xc0", 7, 0xa09b, 2},
        {"\x0f\x00\xc0", 3, 0xc09b, 4}, /* 32-bit code, and 16-bit */
        {"\x66\x0f\x00\xc0", 4, 0xc09b, 2},
        {"\x0f\x00\xc0", 3, 0x009b, 2},
        {"\x66\x0f\x00\xc0", 4, 0x009b, 4},
    };
    (void)state;
    exit_field(VMCS_GUEST_TR_SELECTOR, 0x9678);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (unsigned number = 0; number < 16; number++) {
            if (number == REGISTER_RSP)
                continue;
            memcpy(descriptor_memory + DESCRIPTOR_CODE, cases[i].code, cases[i].length);
            exit_field(VMCS_EXIT_INSTRUCTION_LENGTH, cases[i].length);
            exit_field(VMCS_GUEST_CS_ACCESS_RIGHTS, cases[i].cs);
            exit_field(VMCS_EXIT_INSTRUCTION_INFO, 1u << 28 | IN_REGISTER(number));
            exit_field(VMCS_GUEST_RIP, DESCRIPTOR_CODE);
            vcpu_set_register(&guest, number, 0xfedcba9876543210);
            assert_int_equal(exit_take(EXIT_REASON_LDTR_OR_TR, 0), EXIT_RESUME);
            vcpu_set_register(&expected, number, cases[i].bytes == 2 ? 0xfedcba9876549678 : 0x9678);
            expect_field(VMCS_GUEST_RIP, DESCRIPTOR_CODE + cases[i].length);
            expect_unchanged();
        }
}

/* Another vCPU has unmapped the code meanwhile: the instruction is executed again, and faults. */
static void code_that_is_gone(void **state)
{
    (void)state;
    exit_field(VMCS_GUEST_RIP, 0x200000);
    exit_field(VMCS_EXIT_INSTRUCTION_INFO, IN_REGISTER(0));
    assert_int_equal(exit_take(EXIT_REASON_LDTR_OR_TR, 0), EXIT_RESUME);
    expect_unchanged();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        descriptor_test(stores_to_memory),
        descriptor_test(stores_to_registers),
        descriptor_test(code_that_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
