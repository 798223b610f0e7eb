/* SPDX-License-Identifier: MIT */
#include "mmio_random.h"

#include "../exits/mmio_decode.h"
#include "tests.h"

#include <string.h>

const struct opcode_form opcode_forms[] = {
#define ONE(code)        .bytes = {code}, .count = 1
#define BEHIND_0F(code)  .bytes = {0x0f, code}, .count = 2
#define GROUP(number)    .groups = number
#define IMMEDIATE(b, of) .immediate = b, .test = of
#define ALU(code, is_logic)                                             \
    {ONE(code), .logic = is_logic}, {ONE(code + 1), .logic = is_logic}, \
        {ONE(code + 2), .logic = is_logic},                             \
    {                                                                   \
        ONE(code + 3), .logic = is_logic                                \
    }
    ALU(0x00, false),
    ALU(0x08, true),
    ALU(0x10, false),
    ALU(0x18, false),
    ALU(0x20, true),
    ALU(0x28, false),
    ALU(0x30, true),
    ALU(0x38, false),
    {ONE(0x63)},
    {ONE(0x80), GROUP(8), IMMEDIATE(1, 8), .logic = true},
    {ONE(0x81), GROUP(8), IMMEDIATE(4, 8), .logic = true},
    {ONE(0x83), GROUP(8), IMMEDIATE(1, 8), .logic = true},
    {ONE(0x84), .logic = true},
    {ONE(0x85), .logic = true},
    {ONE(0x86)},
    {ONE(0x87)},
    {ONE(0x88)},
    {ONE(0x89)},
    {ONE(0x8a)},
    {ONE(0x8b)},
    {ONE(0xa0), .moffs = true},
    {ONE(0xa1), .moffs = true},
    {ONE(0xa2), .moffs = true},
    {ONE(0xa3), .moffs = true},
    {ONE(0xa4), .string = true},
    {ONE(0xa5), .string = true},
    {ONE(0xaa), .string = true},
    {ONE(0xab), .string = true},
    {ONE(0xac), .string = true},
    {ONE(0xad), .string = true},
    {ONE(0xc6), GROUP(1), IMMEDIATE(1, 1)},
    {ONE(0xc7), GROUP(1), IMMEDIATE(4, 1)},
    {ONE(0xf6), GROUP(4), IMMEDIATE(1, 2), .logic = true},
    {ONE(0xf7), GROUP(4), IMMEDIATE(4, 2), .logic = true},
    {ONE(0xfe), GROUP(2)},
    {ONE(0xff), GROUP(2)},
    {BEHIND_0F(0xb6)},
    {BEHIND_0F(0xb7)},
    {BEHIND_0F(0xbe)},
    {BEHIND_0F(0xbf)},
    {BEHIND_0F(0xc3), .no_16 = true},
};

const size_t opcode_form_count = sizeof(opcode_forms) / sizeof(opcode_forms[0]);

static void put(struct mmio_made *made, uint64_t value, unsigned bytes)
{
    memcpy(made->bytes + made->count, &value, bytes);
    made->count += bytes;
}

/* ModRM, SIB and displacement; registers are set so that they lead to the target. False: not so. */
static bool put_operand(struct mmio_made *made, const struct mmio_places *places, uint64_t *seed,
                        uint8_t rex, uint8_t reg, unsigned behind)
{
    uint8_t mod = (uint8_t)random_below(seed, 3), rm = (uint8_t)random_below(seed, 8);
    unsigned base = rm | (rex & 1 ? 8 : 0), index = 4, scale = 0, bytes = mod == 1 ? 1 : 4;
    uint64_t displacement = (uint64_t)(int64_t)(int32_t)random_bits(seed), mask = UINT64_MAX;

    if (made->narrow)
        mask = UINT32_MAX;
    if (mod == 1)
        displacement = (uint64_t)(int64_t)(int8_t)displacement;
    put(made, (uint64_t)mod << 6 | (uint64_t)reg << 3 | rm, 1);
    if (rm == 4) {
        uint8_t sib = (uint8_t)random_bits(seed);
        put(made, sib, 1);
        base = (sib & 7) | (rex & 1 ? 8 : 0);
        index = (sib >> 3 & 7) | (rex & 2 ? 8 : 0);
        scale = sib >> 6;
    }
    bool none = mod == 0 && (base & 7) == 5;
    if (mod == 0 && !none) {
        displacement = 0;
        bytes = 0;
    }
    uint64_t indexed = index == 4 ? 0 : made->registers[index] << scale;
    if (none) {
        displacement = made->target - indexed;
        if (rm != 4)
            displacement -= places->code + made->count + 4 + behind;
        if (displacement != (uint64_t)(int64_t)(int32_t)displacement)
            return false;
    } else {
        if (index == base)
            return false;
        made->registers[base] = (made->target - indexed - displacement) & mask;
        made->registers[base] |= random_bits(seed) & ~mask;
    }
    put(made, displacement, bytes);
    return true;
}

static bool make_string(struct mmio_made *made, const struct mmio_places *places, uint64_t *seed)
{
    uint8_t operation = made->bytes[made->count - 1] & 0xfe;
    bool from_device = random_below(seed, 2);

    made->registers[6] = made->registers[7] = made->target;
    made->registers[1] = 1 + random_below(seed, 4); /* with REP and 0 there is no exit */
    if (operation == 0xa4)
        made->registers[from_device ? 7 : 6] = places->memory + 2048 + random_below(seed, 100);
    for (unsigned i = 1; i < 8 && made->narrow; i++)
        if (i == 1 || i >= 6)
            made->registers[i] |= random_bits(seed) << 32;
    return true;
}

/* False: that combination is none. */
static bool make(const struct opcode_form *form, const struct mmio_places *places, uint64_t *seed,
                 struct mmio_made *made)
{
    static const uint8_t override[] = {0x26, 0x2e, 0x36, 0x3e};
    bool operand_16 = !random_below(seed, 4) && !form->no_16, rex = random_below(seed, 2);
    uint8_t reg = (uint8_t)random_below(seed, form->groups ? form->groups : 8);
    uint8_t rex_bits = rex ? (uint8_t)random_below(seed, 16) : 0;
    unsigned immediate = reg < form->test || !form->groups ? form->immediate : 0;

    made->count = 0;
    made->target = places->data + 1024 + random_below(seed, 512);
    made->narrow = !random_below(seed, 4);
    for (int i = 0; i < 16; i++)
        made->registers[i] = random_bits(seed) >> (random_below(seed, 4) ? 0 : 40);
    if (operand_16)
        put(made, 0x66, 1);
    if (made->narrow)
        put(made, 0x67, 1);
    if (!random_below(seed, 8))
        put(made, override[random_below(seed, 4)], 1);
    if (form->string && random_below(seed, 2))
        put(made, random_below(seed, 2) ? 0xf3 : 0xf2, 1);
    if (rex)
        put(made, 0x40 | rex_bits, 1);
    for (unsigned i = 0; i < form->count; i++)
        put(made, form->bytes[i], 1);
    if (immediate == 4 && operand_16 && !(rex_bits & 8))
        immediate = 2;
    if (form->string)
        return make_string(made, places, seed);
    if (form->moffs) {
        put(made, made->target, made->narrow ? 4 : 8);
        return true;
    }
    if (!put_operand(made, places, seed, rex_bits, reg, immediate))
        return false;
    put(made, random_bits(seed), immediate);
    return made->count <= INSTRUCTION_MOST;
}

void mmio_random(const struct opcode_form *form, const struct mmio_places *places, uint64_t *seed,
                 struct mmio_made *made)
{
    while (!make(form, places, seed, made))
        ;
}
