/* SPDX-License-Identifier: MIT */
#include "mmio_decode.h"

#include "mmio_opcode.h"

#define RAX 0
#define RBX 3
#define RSP 4
#define RBP 5
#define RSI 6
#define RDI 7

#define REX_W 8u
#define REX_R 4u
#define REX_X 2u
#define REX_B 1u

/* Where the decoder stands. */
struct cursor {
    const uint8_t *bytes;
    size_t count, at;
    bool over; /* bytes were missing */
};

struct prefixes {
    uint8_t rex, segment;
    bool operand, address, repeat, lock;
};

#define NO_SEGMENT 0xff

/* The next so many bytes, sign-extended; 0 where they are missing. */
static uint64_t take(struct cursor *cursor, unsigned bytes)
{
    uint64_t value = 0;

    if (!bytes)
        return 0;
    if (bytes > cursor->count - cursor->at) {
        cursor->over = true;
        return 0;
    }
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)cursor->bytes[cursor->at++] << 8 * i;
    return bytes < 8 && value >> (8 * bytes - 1) ? value | UINT64_MAX << 8 * bytes : value;
}

static uint8_t take_byte(struct cursor *cursor)
{
    if (cursor->at < cursor->count)
        return cursor->bytes[cursor->at++];
    cursor->over = true;
    return 0;
}

/* What a byte is as a prefix: 1 more than the segment of an override, or one of these. */
enum {
    PREFIX_OPERAND = 16,
    PREFIX_ADDRESS,
    PREFIX_LOCK,
    PREFIX_REPEAT,
    PREFIX_REX,
};

static const uint8_t prefix_kinds[256] = {
    [0x26] = 1 + SEGMENT_ES, [0x2e] = 1 + SEGMENT_CS, [0x36] = 1 + SEGMENT_SS,
    [0x3e] = 1 + SEGMENT_DS, [0x64] = 1 + SEGMENT_FS, [0x65] = 1 + SEGMENT_GS,
    [0x66] = PREFIX_OPERAND, [0x67] = PREFIX_ADDRESS, [0xf0] = PREFIX_LOCK,
    [0xf2] = PREFIX_REPEAT,  [0xf3] = PREFIX_REPEAT,  [0x40 ... 0x4f] = PREFIX_REX,
};

/* Takes a prefix, if it is one; in 64-bit mode only FS and GS override. */
static bool take_prefix(struct cursor *cursor, bool in_64, struct prefixes *prefixes)
{
    if (cursor->at == cursor->count)
        return false;
    uint8_t byte = cursor->bytes[cursor->at], kind = prefix_kinds[byte];
    if (!kind || (kind == PREFIX_REX && !in_64))
        return false;
    cursor->at++;
    prefixes->rex = kind == PREFIX_REX ? byte : 0; /* counts right before the opcode only */
    prefixes->operand |= kind == PREFIX_OPERAND;
    prefixes->address |= kind == PREFIX_ADDRESS;
    prefixes->lock |= kind == PREFIX_LOCK;
    prefixes->repeat |= kind == PREFIX_REPEAT;
    if (kind < PREFIX_OPERAND && (!in_64 || kind > SEGMENT_FS))
        prefixes->segment = (uint8_t)(kind - 1);
    return true;
}

static bool memory_16(struct cursor *cursor, uint8_t modrm, struct mmio_instruction *to)
{
    static const uint8_t base[8] = {RBX, RBX, RBP, RBP, RSI, RDI, RBP, RBX};
    static const uint8_t index[8] = {RSI,         RDI,         RSI,         RDI,
                                     NO_REGISTER, NO_REGISTER, NO_REGISTER, NO_REGISTER};
    unsigned mod = modrm >> 6, rm = modrm & 7;

    to->base = base[rm];
    to->index = index[rm];
    if (mod == 0 && rm == 6)
        to->base = NO_REGISTER;
    if (to->base == RBP)
        to->segment = SEGMENT_SS;
    to->displacement = take(cursor, mod == 1 ? 1 : mod == 2 || to->base == NO_REGISTER ? 2 : 0);
    return mod != 3;
}

static bool memory_32_64(struct cursor *cursor, uint8_t modrm, const struct prefixes *prefixes,
                         bool in_64, struct mmio_instruction *to)
{
    unsigned mod = modrm >> 6, base = modrm & 7;
    bool sib = base == RSP;

    to->index = NO_REGISTER;
    if (sib) {
        uint8_t byte = take_byte(cursor);
        unsigned index = (byte >> 3 & 7) | (prefixes->rex & REX_X ? 8 : 0);
        base = byte & 7;
        to->scale = byte >> 6;
        to->index = index == RSP ? NO_REGISTER : (uint8_t)index;
    }
    bool none = mod == 0 && base == RBP;
    to->relative = none && !sib && in_64;
    to->base = none ? NO_REGISTER : (uint8_t)(base | (prefixes->rex & REX_B ? 8 : 0));
    if (to->base == RSP || to->base == RBP)
        to->segment = SEGMENT_SS;
    to->displacement = take(cursor, mod == 1 ? 1 : mod == 2 || none ? 4 : 0);
    return mod != 3;
}

/* ModRM and what belongs to it; false if no memory is meant, or no such operation. */
static bool take_modrm(struct cursor *cursor, const struct opcode *opcode,
                       const struct prefixes *prefixes, bool in_64, struct mmio_instruction *to)
{
    uint8_t modrm = take_byte(cursor);
    unsigned reg = modrm >> 3 & 7;

    if (opcode->form & GROUP) {
        to->operation = (enum mmio_operation)opcode_groups[opcode->operation][reg];
        if (to->operation == MMIO_UNKNOWN && !cursor->over)
            return false;
    } else if (opcode->form & BYTE && !(opcode->form & WIDER) && !prefixes->rex && reg >= 4) {
        to->reg = reg & 3;
        to->high = true;
    } else {
        to->reg = (uint8_t)(reg | (prefixes->rex & REX_R ? 8 : 0));
    }
    return to->address_bytes == 2 ? memory_16(cursor, modrm, to)
                                  : memory_32_64(cursor, modrm, prefixes, in_64, to);
}

static unsigned operand_bytes(const struct prefixes *prefixes, unsigned code_bytes)
{
    if (prefixes->rex & REX_W)
        return 8;
    return (code_bytes == 2) != prefixes->operand ? 2 : 4;
}

static unsigned address_bytes(const struct prefixes *prefixes, unsigned code_bytes)
{
    if (!prefixes->address)
        return code_bytes;
    return code_bytes == 4 ? 2 : 4;
}

/* What follows the opcode; false if it is none of ours. */
static bool take_operands(struct cursor *cursor, const struct opcode *opcode,
                          const struct prefixes *prefixes, unsigned code_bytes,
                          struct mmio_instruction *to)
{
    unsigned size = operand_bytes(prefixes, code_bytes), form = opcode->form;

    to->operation = form & GROUP ? MMIO_UNKNOWN : (enum mmio_operation)opcode->operation;
    to->bytes = (uint8_t)(form & BYTE                  ? 1
                          : form & WORD                ? 2
                          : form & DOUBLE && size == 8 ? 4
                                                       : size);
    to->register_bytes = (uint8_t)(form & WIDER ? size : to->bytes);
    to->to_memory = !(form & LOAD);
    to->lock = prefixes->lock;
    to->repeat = prefixes->repeat && form & STRING;
    to->address_bytes = (uint8_t)address_bytes(prefixes, code_bytes);
    to->segment = SEGMENT_DS;
    to->base = to->index = NO_REGISTER;
    if (form & MODRM && !take_modrm(cursor, opcode, prefixes, code_bytes == 8, to))
        return false;
    if (form & STRING)
        to->base = RSI;
    if (form & OFFSET)
        to->displacement = take(cursor, to->address_bytes);
    if (opcode->operation == GROUP_3 && form & GROUP && to->operation == MMIO_TEST)
        form |= to->bytes == 1 ? IMMEDIATE_8 : IMMEDIATE;
    if (form & (IMMEDIATE | IMMEDIATE_8)) {
        to->has_immediate = true;
        to->immediate = take(cursor, form & IMMEDIATE_8 ? 1 : to->bytes == 2 ? 2 : 4);
    }
    if (prefixes->segment != NO_SEGMENT)
        to->segment = prefixes->segment;
    return true;
}

enum mmio_decoded mmio_decode(const uint8_t *bytes, size_t count, unsigned code_bytes,
                              struct mmio_instruction *instruction)
{
    struct cursor cursor = {.bytes = bytes, .count = count};
    struct prefixes prefixes = {.segment = NO_SEGMENT};
    const struct opcode *table = opcodes;

    *instruction = (struct mmio_instruction){0};
    while (take_prefix(&cursor, code_bytes == 8, &prefixes))
        ;
    uint8_t byte = take_byte(&cursor);
    if (byte == 0x0f) {
        byte = take_byte(&cursor);
        table = opcodes_0f;
    }
    const struct opcode *opcode = &table[byte];
    bool known = opcode->form || opcode->operation;

    known = known && !(opcode->form & ONLY_64 && code_bytes != 8) &&
            !(opcode->form & NOT_16 && operand_bytes(&prefixes, code_bytes) == 2) &&
            take_operands(&cursor, opcode, &prefixes, code_bytes, instruction);
    if (cursor.over)
        return count < INSTRUCTION_MOST ? MMIO_NEEDS_MORE : MMIO_NOT_KNOWN;
    if (!known)
        return MMIO_NOT_KNOWN;
    instruction->length = (uint8_t)cursor.at;
    return MMIO_DECODED;
}
