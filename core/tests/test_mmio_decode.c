/* SPDX-License-Identifier: MIT */
/* Decoding, in all three modes. What instructions compute is test_exit_mmio_native.c's matter. */
#include "tests.h"

#include "../exits/mmio_decode.h"

#include <string.h>

#define NONE NO_REGISTER

enum { AX, CX, DX, BX, SP, BP, SI, DI, R8, R13 = 13, R15 = 15 };

static const struct {
    unsigned code_bytes;
    const char *bytes;
    size_t count;
    struct mmio_instruction is;
} instructions[] = {
#define INSTRUCTION(code_bytes, bytes, ...)   \
    {                                         \
        code_bytes, bytes, sizeof(bytes) - 1, \
        {                                     \
            __VA_ARGS__                       \
        }                                     \
    }
/* operation, bytes of the operand and of the register, the register */
#define WHAT(what, size, register_size, number) \
    .operation = what, .bytes = size, .register_bytes = register_size, .reg = number
#define AT(in, width, from, by, much) \
    .segment = in, .address_bytes = width, .base = from, .index = by, .displacement = much
    /* 64-bit mode: mov [rdi], eax; mov rax, [rsp+8]; mov [r13-1], r15b; mov [rax+r8*4+0x12345678],
     * spl
     */
    INSTRUCTION(8, "\x89\x07", WHAT(MMIO_MOV, 4, 4, AX), .to_memory = true,
                AT(SEGMENT_DS, 8, DI, NONE, 0)),
    INSTRUCTION(8, "\x48\x8b\x44\x24\x08", WHAT(MMIO_MOV, 8, 8, AX),
                AT(SEGMENT_SS, 8, SP, NONE, 8)),
    INSTRUCTION(8, "\x45\x88\x7d\xff", WHAT(MMIO_MOV, 1, 1, R15), .to_memory = true,
                AT(SEGMENT_DS, 8, R13, NONE, UINT64_MAX)),
    INSTRUCTION(8, "\x42\x88\xa4\x80\x78\x56\x34\x12", WHAT(MMIO_MOV, 1, 1, SP), .to_memory = true,
                .scale = 2, AT(SEGMENT_DS, 8, AX, R8, 0x12345678)),
    /* mov [rax], ah; mov dword [rip-1], -2; mov qword [0x80000000], ... (sign-extended) */
    INSTRUCTION(8, "\x88\x20", WHAT(MMIO_MOV, 1, 1, AX), .high = true, .to_memory = true,
                AT(SEGMENT_DS, 8, AX, NONE, 0)),
    INSTRUCTION(8, "\xc7\x05\xff\xff\xff\xff\xfe\xff\xff\xff", WHAT(MMIO_MOV, 4, 4, 0),
                .to_memory = true, .has_immediate = true, .immediate = -2ull, .relative = true,
                AT(SEGMENT_DS, 8, NONE, NONE, UINT64_MAX)),
    INSTRUCTION(8, "\x48\xc7\x04\x25\x00\x00\x00\x80\x01\x00\x00\x80", WHAT(MMIO_MOV, 8, 8, 0),
                .to_memory = true, .has_immediate = true, .immediate = 0xffffffff80000001,
                AT(SEGMENT_DS, 8, NONE, NONE, 0xffffffff80000000)),
    /* REX counts right before the opcode only; 66 gives way to REX.W */
    INSTRUCTION(8, "\x4f\x66\x8b\x00", WHAT(MMIO_MOV, 2, 2, AX), AT(SEGMENT_DS, 8, AX, NONE, 0)),
    INSTRUCTION(8, "\x66\x48\x8b\x00", WHAT(MMIO_MOV, 8, 8, AX), AT(SEGMENT_DS, 8, AX, NONE, 0)),
    /* 64-bit mode knows FS and GS only, and what stands beside them does not count */
    INSTRUCTION(8, "\x65\x2e\x8b\x00", WHAT(MMIO_MOV, 4, 4, AX), AT(SEGMENT_GS, 8, AX, NONE, 0)),
    INSTRUCTION(8, "\x3e\x64\x8b\x45\x00", WHAT(MMIO_MOV, 4, 4, AX),
                AT(SEGMENT_FS, 8, BP, NONE, 0)),
    INSTRUCTION(8, "\x67\x8b\x00", WHAT(MMIO_MOV, 4, 4, AX), AT(SEGMENT_DS, 4, AX, NONE, 0)),
    /* movzx eax, byte; movzx r15, word; movsx ax, byte; movsxd rax, dword; movsxd ax; movnti */
    INSTRUCTION(8, "\x0f\xb6\x03", WHAT(MMIO_MOV, 1, 4, AX), AT(SEGMENT_DS, 8, BX, NONE, 0)),
    INSTRUCTION(8, "\x4c\x0f\xb7\x3b", WHAT(MMIO_MOV, 2, 8, R15), AT(SEGMENT_DS, 8, BX, NONE, 0)),
    INSTRUCTION(8, "\x66\x0f\xbe\x03", WHAT(MMIO_MOV_SIGNED, 1, 2, AX),
                AT(SEGMENT_DS, 8, BX, NONE, 0)),
    INSTRUCTION(8, "\x48\x63\x03", WHAT(MMIO_MOV_SIGNED, 4, 8, AX), AT(SEGMENT_DS, 8, BX, NONE, 0)),
    INSTRUCTION(8, "\x66\x63\x03", WHAT(MMIO_MOV_SIGNED, 2, 2, AX), AT(SEGMENT_DS, 8, BX, NONE, 0)),
    INSTRUCTION(8, "\x48\x0f\xc3\x03", WHAT(MMIO_MOV, 8, 8, AX), .to_memory = true,
                AT(SEGMENT_DS, 8, BX, NONE, 0)),
    /* moffs of 8, 4 and 2 bytes */
    INSTRUCTION(8, "\xa1\x08\x07\x06\x05\x04\x03\x02\x01", WHAT(MMIO_MOV, 4, 4, AX),
                AT(SEGMENT_DS, 8, NONE, NONE, 0x0102030405060708)),
    INSTRUCTION(4, "\x26\xa2\x04\x03\x02\x01", WHAT(MMIO_MOV, 1, 1, AX), .to_memory = true,
                AT(SEGMENT_ES, 4, NONE, NONE, 0x01020304)),
    INSTRUCTION(2, "\xa3\x02\x01", WHAT(MMIO_MOV, 2, 2, AX), .to_memory = true,
                AT(SEGMENT_DS, 2, NONE, NONE, 0x0102)),
    /* groups: and word [rbx], imm8; test dword [rbx], imm32; not byte [rbx]; dec qword [rbx] */
    INSTRUCTION(8, "\x66\x83\x23\x80", WHAT(MMIO_AND, 2, 2, 0), .to_memory = true,
                .has_immediate = true, .immediate = -0x80ull, AT(SEGMENT_DS, 8, BX, NONE, 0)),
    INSTRUCTION(8, "\xf7\x03\x04\x03\x02\x01", WHAT(MMIO_TEST, 4, 4, 0), .to_memory = true,
                .has_immediate = true, .immediate = 0x01020304, AT(SEGMENT_DS, 8, BX, NONE, 0)),
    INSTRUCTION(8, "\x66\xf7\x03\x04\x03", WHAT(MMIO_TEST, 2, 2, 0), .to_memory = true,
                .has_immediate = true, .immediate = 0x0304, AT(SEGMENT_DS, 8, BX, NONE, 0)),
    INSTRUCTION(8, "\xf6\x13", WHAT(MMIO_NOT, 1, 1, 0), .to_memory = true,
                AT(SEGMENT_DS, 8, BX, NONE, 0)),
    INSTRUCTION(8, "\xf0\x48\xff\x0b", WHAT(MMIO_DEC, 8, 8, 0), .to_memory = true, .lock = true,
                AT(SEGMENT_DS, 8, BX, NONE, 0)),
    INSTRUCTION(8, "\x3b\x03", WHAT(MMIO_CMP, 4, 4, AX), AT(SEGMENT_DS, 8, BX, NONE, 0)),
    INSTRUCTION(8, "\x87\x0b", WHAT(MMIO_XCHG, 4, 4, CX), .to_memory = true,
                AT(SEGMENT_DS, 8, BX, NONE, 0)),
    /* strings */
    INSTRUCTION(8, "\xf3\x48\xa5", WHAT(MMIO_MOVS, 8, 8, 0), .to_memory = true, .repeat = true,
                AT(SEGMENT_DS, 8, SI, NONE, 0)),
    INSTRUCTION(8, "\x67\xaa", WHAT(MMIO_STOS, 1, 1, 0), .to_memory = true,
                AT(SEGMENT_DS, 4, SI, NONE, 0)),
    INSTRUCTION(4, "\xf2\x2e\x66\xad", WHAT(MMIO_LODS, 2, 2, 0), .to_memory = true, .repeat = true,
                AT(SEGMENT_CS, 4, SI, NONE, 0)),
    /* 32-bit code: 40-4f are no prefixes, disp32 is not relative, high registers always */
    INSTRUCTION(4, "\x8b\x3d\x04\x03\x02\x81", WHAT(MMIO_MOV, 4, 4, DI),
                AT(SEGMENT_DS, 4, NONE, NONE, 0xffffffff81020304)),
    INSTRUCTION(4, "\x36\x8a\x7c\xa5\x80", WHAT(MMIO_MOV, 1, 1, BX), .high = true, .scale = 2,
                AT(SEGMENT_SS, 4, BP, NONE, -0x80ull)),
    INSTRUCTION(4, "\x67\x66\x8b\x42\x10", WHAT(MMIO_MOV, 2, 2, AX), AT(SEGMENT_SS, 2, BP, SI, 16)),
    /* 16-bit code */
    INSTRUCTION(2, "\x8b\x00", WHAT(MMIO_MOV, 2, 2, AX), AT(SEGMENT_DS, 2, BX, SI, 0)),
    INSTRUCTION(2, "\x8b\x41\xff", WHAT(MMIO_MOV, 2, 2, AX), AT(SEGMENT_DS, 2, BX, DI, -1ull)),
    INSTRUCTION(2, "\x8b\x83\x34\x12", WHAT(MMIO_MOV, 2, 2, AX), AT(SEGMENT_SS, 2, BP, DI, 0x1234)),
    INSTRUCTION(2, "\x8b\x04", WHAT(MMIO_MOV, 2, 2, AX), AT(SEGMENT_DS, 2, SI, NONE, 0)),
    INSTRUCTION(2, "\x8b\x05", WHAT(MMIO_MOV, 2, 2, AX), AT(SEGMENT_DS, 2, DI, NONE, 0)),
    INSTRUCTION(2, "\x8b\x06\x34\x12", WHAT(MMIO_MOV, 2, 2, AX),
                AT(SEGMENT_DS, 2, NONE, NONE, 0x1234)),
    INSTRUCTION(2, "\x8b\x46\x01", WHAT(MMIO_MOV, 2, 2, AX), AT(SEGMENT_SS, 2, BP, NONE, 1)),
    INSTRUCTION(2, "\x8b\x07", WHAT(MMIO_MOV, 2, 2, AX), AT(SEGMENT_DS, 2, BX, NONE, 0)),
    INSTRUCTION(2, "\x26\x66\x67\x8b\x04\xf1", WHAT(MMIO_MOV, 4, 4, AX), .scale = 3,
                AT(SEGMENT_ES, 4, CX, SI, 0)),
};

static void described(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(instructions); i++) {
        const char *bytes = instructions[i].bytes;
        struct mmio_instruction got, wanted = instructions[i].is;
        uint8_t more[INSTRUCTION_MOST] = {0};
        memcpy(more, bytes, instructions[i].count);
        wanted.length = (uint8_t)instructions[i].count;
        assert_int_equal(mmio_decode(more, sizeof(more), instructions[i].code_bytes, &got),
                         MMIO_DECODED);
        if (memcmp(&got, &wanted, offsetof(struct mmio_instruction, immediate)) != 0 ||
            got.immediate != wanted.immediate || got.segment != wanted.segment ||
            got.address_bytes != wanted.address_bytes || got.base != wanted.base ||
            got.index != wanted.index || got.scale != wanted.scale ||
            got.relative != wanted.relative || got.displacement != wanted.displacement)
            fail_msg("instruction %zu", i);
        /* one byte less: none of what is missing is guessed, and none is read */
        for (size_t count = 0; count < instructions[i].count; count++) {
            uint8_t *exactly = test_malloc(count ? count : 1);
            memcpy(exactly, bytes, count);
            assert_int_equal(mmio_decode(exactly, count, instructions[i].code_bytes, &got),
                             MMIO_NEEDS_MORE);
            test_free(exactly);
        }
    }
}

static void not_known(void **state)
{
    static const struct {
        unsigned code_bytes;
        const char *bytes;
        size_t count;
    } others[] = {
#define OTHER(code_bytes, bytes) {code_bytes, bytes, sizeof(bytes) - 1}
        OTHER(8, "\x0f\x0b"),             /* ud2 */
        OTHER(8, "\x8b\xc0"),             /* mov eax, eax: no memory */
        OTHER(8, "\x0f\xb1\x03"),         /* cmpxchg */
        OTHER(8, "\x0f\x6f\x03"),         /* movq mm0 */
        OTHER(8, "\xc5\xf8\x28\x03"),     /* vmovaps */
        OTHER(8, "\x62\xf1\x7c\x48\x28"), /* EVEX */
        OTHER(8, "\xff\x33"),             /* push */
        OTHER(8, "\x8f\x03"),             /* pop */
        OTHER(8, "\xff\x13"),             /* call */
        OTHER(8, "\xf7\x23"),             /* mul */
        OTHER(8, "\xc6\x4b\x00\x01"),     /* group 11 has one member */
        OTHER(8, "\xfe\x13"),
        OTHER(8, "\x66\x0f\xc3\x03"), /* movnti of a word */
        OTHER(8, "\x8c\x03"),         /* mov [rbx], es */
        OTHER(8, "\xa6"),             /* cmps */
        OTHER(4, "\x63\x03"),         /* arpl */
        OTHER(4, "\x48\x89\x07"),     /* dec eax */
        OTHER(4, "\xc4\x03"),         /* les */
        /* longer than an instruction can be */
        OTHER(8, "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66"),
        OTHER(8, "\x66\x66\x66\x66\x66\x66\x66\x66\xc7\x80\x01\x02\x03\x04\x05"),
    };
    struct mmio_instruction got;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        uint8_t bytes[INSTRUCTION_MOST] = {0};
        memcpy(bytes, others[i].bytes, others[i].count);
        if (mmio_decode(bytes, sizeof(bytes), others[i].code_bytes, &got) != MMIO_NOT_KNOWN)
            fail_msg("%zu", i);
    }
}

/* Whatever the bytes are: nothing behind them is read, and the description is one that can be used.
 */
static void anything(void **state)
{
    unsigned known = 0;
    uint64_t seed = 1;
    (void)state;
    for (int i = 0; i < 400000; i++) {
        size_t count = random_below(&seed, INSTRUCTION_MOST + 1);
        unsigned code_bytes = 2u << random_below(&seed, 3);
        uint8_t *bytes = test_malloc(count + 1);
        struct mmio_instruction got;
        for (size_t j = 0; j < count; j++)
            bytes[j] = (uint8_t)random_bits(&seed);
        bytes = test_realloc(bytes, count ? count : 1);
        enum mmio_decoded decoded = mmio_decode(bytes, count, code_bytes, &got);
        test_free(bytes);
        assert_true(decoded != MMIO_NEEDS_MORE || count < INSTRUCTION_MOST);
        if (decoded != MMIO_DECODED)
            continue;
        known++;
        assert_in_range(got.operation, MMIO_MOV, MMIO_MOVS);
        assert_in_range(got.length, 1, count);
        assert_true(got.bytes == 1 || got.bytes == 2 || got.bytes == 4 || got.bytes == 8);
        assert_in_range(got.register_bytes, got.bytes, 8);
        assert_in_range(got.reg, 0, got.high ? 3 : code_bytes == 8 ? 15 : 7);
        assert_in_range(got.segment, SEGMENT_ES, SEGMENT_GS);
        assert_in_range(got.base, 0, NO_REGISTER);
        assert_in_range(got.index, 0, NO_REGISTER);
        assert_int_not_equal(got.index, SP);
        assert_in_range(got.scale, 0, 3);
        assert_true(code_bytes == 8 ? got.address_bytes == 8 || got.address_bytes == 4
                                    : got.address_bytes == 4 || got.address_bytes == 2);
        assert_true(code_bytes == 8 || (got.bytes <= 4 && !got.relative));
    }
    assert_true(known > 40000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        simulated_test(described),
        simulated_test(not_known),
        simulated_test(anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
