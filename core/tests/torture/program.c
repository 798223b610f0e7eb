/* SPDX-License-Identifier: MIT */
#include "program.h"

#include "layout.h"

#include <string.h>

/* What stands before an instruction, or behind its opcode. */
enum {
    SET_MSR = 1,      /* ECX: an MSR's number */
    SET_VALUE = 2,    /* EDX:EAX: anything */
    SET_PORT = 4,     /* DX */
    SET_SMALL = 8,    /* ECX: 0 to 3, or anything */
    SET_ADDRESS = 16, /* RDI and RSI: somewhere in the guest, or where nothing is */
    SET_CALL = 32,    /* EAX: a hypercall's number, RDI anything */
    SET_LEAF = 64,    /* EAX and ECX: a leaf of CPUID */
    TAIL_MODRM = 128, /* a ModR/M byte and what it may want */
    TAIL_BYTE = 256,  /* an immediate byte */
    SET_APIC = 512,   /* RDI: in the xAPIC's page; ECX: an x2APIC MSR */
    TAIL_FAR = 1024,  /* an offset of 4 bytes and a selector */
};

struct piece {
    uint16_t operands;
    uint8_t size;
    char bytes[6];
};

#define PIECE(operands, bytes)             \
    {                                      \
        operands, sizeof(bytes) - 1, bytes \
    }

static const struct piece msr[] = {
    PIECE(SET_MSR, "\x0f\x32"),
    PIECE(SET_MSR | SET_VALUE, "\x0f\x30"),
};
static const struct piece port[] = {
    PIECE(SET_PORT, "\xec"),
    PIECE(SET_PORT, "\xed"),
    PIECE(SET_PORT, "\x66\xed"),
    PIECE(SET_PORT, "\xee"),
    PIECE(SET_PORT, "\xef"),
    PIECE(SET_PORT, "\x66\xef"),
    PIECE(TAIL_BYTE, "\xe4"),
    PIECE(TAIL_BYTE, "\xe7"),
    PIECE(SET_PORT | SET_ADDRESS, "\x6c"),
    PIECE(SET_PORT | SET_ADDRESS, "\x6f"),
    PIECE(SET_PORT | SET_ADDRESS | SET_SMALL, "\xf3\x6c"),
    PIECE(SET_PORT | SET_ADDRESS | SET_SMALL, "\xf3\x6d"),
    PIECE(SET_PORT | SET_ADDRESS | SET_SMALL, "\xf3\x66\x6f"),
    PIECE(SET_PORT | SET_ADDRESS | SET_SMALL, "\x67\xf2\x6e"),
    PIECE(SET_PORT | SET_ADDRESS, "\xfd\xf3\x6d\xfc"),
    PIECE(SET_PORT | SET_ADDRESS, "\x64\x6e"),
};
static const struct piece control[] = {
    PIECE(SET_VALUE, "\x0f\x22\xc0"),
    PIECE(SET_VALUE, "\x0f\x22\xd8"),
    PIECE(SET_VALUE, "\x0f\x22\xe0"),
    PIECE(SET_VALUE, "\x44\x0f\x22\xc0"),
    PIECE(0, "\x0f\x20\xc0"),
    PIECE(0, "\x0f\x20\xd8"),
    PIECE(0, "\x0f\x20\xe0"),
    PIECE(0, "\x44\x0f\x20\xc2"),
    PIECE(SET_VALUE | TAIL_MODRM, "\x0f\x22"),
    PIECE(TAIL_MODRM, "\x0f\x20"),
    PIECE(0, "\x0f\x06"),
    PIECE(SET_VALUE, "\x0f\x01\xf0"),
    PIECE(TAIL_MODRM, "\x0f\x01"),
    PIECE(SET_VALUE, "\x0f\x23\xf8"),
    PIECE(SET_VALUE | TAIL_MODRM, "\x0f\x23"),
    PIECE(TAIL_MODRM, "\x0f\x21"),
    PIECE(SET_SMALL | SET_VALUE, "\x0f\x01\xd1"),
    PIECE(SET_SMALL, "\x0f\x01\xd0"),
    /* One bit of CR0 or CR4 at a time stays in the guest's reach longer than any value at all. */
    PIECE(0, "\x0f\x20\xc0\x34\x01"),
    PIECE(0, "\x0f\x20\xe0\x34\x20"),
};
static const struct piece apic[] = {
    PIECE(SET_APIC, "\x8b\x07"),
    PIECE(SET_APIC | SET_VALUE, "\x89\x07"),
    PIECE(SET_APIC | SET_VALUE, "\xc7\x07"),
    PIECE(SET_APIC, "\x0f\x32"),
    PIECE(SET_APIC | SET_VALUE, "\x0f\x30"),
    PIECE(SET_APIC | TAIL_MODRM, "\x87"),
    PIECE(0, "\xfb\x90"),
    PIECE(0, "\xfa"),
    PIECE(0, "\xfb\xf4"),
    PIECE(SET_VALUE, "\x44\x0f\x22\xc0"),
};
static const struct piece memory[] = {
    PIECE(SET_ADDRESS | TAIL_MODRM, "\x8b"),
    PIECE(SET_ADDRESS | TAIL_MODRM, "\x89"),
    PIECE(SET_ADDRESS | TAIL_MODRM, "\x88"),
    PIECE(SET_ADDRESS, "\x8b\x07"),
    PIECE(SET_ADDRESS, "\x48\x89\x07"),
    PIECE(SET_ADDRESS, "\x0f\xb6\x07"),
    PIECE(SET_ADDRESS, "\x48\x0f\xbe\x07"),
    PIECE(SET_ADDRESS, "\xf0\x0f\xb1\x0f"),
    PIECE(SET_ADDRESS, "\x80\x07"),
    PIECE(SET_ADDRESS, "\xff\x07"),
    PIECE(SET_ADDRESS | SET_SMALL, "\xf3\xa4"),
    PIECE(SET_ADDRESS | SET_SMALL, "\xf3\x48\xab"),
    PIECE(SET_ADDRESS, "\xff\xd7"),
    PIECE(SET_ADDRESS, "\xff\x37"),
    PIECE(SET_ADDRESS, "\x0f\x01\x3f"),
    PIECE(SET_ADDRESS, "\x0f\xae\x07"),
    PIECE(SET_ADDRESS | TAIL_MODRM, "\x66\x0f\x38\x82"),
};
static const struct piece system_[] = {
    PIECE(SET_ADDRESS, "\x0f\x01\x17"),
    PIECE(SET_ADDRESS, "\x0f\x01\x1f"),
    PIECE(SET_ADDRESS, "\x0f\x01\x07"),
    PIECE(SET_ADDRESS, "\x0f\x01\x0f"),
    PIECE(SET_VALUE, "\x0f\x00\xd0"),
    PIECE(SET_VALUE, "\x0f\x00\xd8"),
    PIECE(SET_VALUE | TAIL_MODRM, "\x0f\x00"),
    PIECE(SET_VALUE, "\x8e\xd8"),
    PIECE(SET_VALUE | TAIL_MODRM, "\x8e"),
    PIECE(TAIL_BYTE, "\xcd"),
    PIECE(0, "\xcc"),
    PIECE(0, "\xf1"),
    PIECE(0, "\x48\xcf"),
    PIECE(0, "\xcf"),
    PIECE(SET_ADDRESS, "\xff\x2f"),
    PIECE(TAIL_FAR, "\xea"),
    PIECE(0, "\x9d"),
    PIECE(SET_VALUE, "\x50\x9d"),
    PIECE(SET_SMALL | SET_VALUE, "\x0f\x34"),
    PIECE(SET_ADDRESS, "\x0f\x35"),
    PIECE(0, "\x0f\x05"),
    PIECE(0, "\x0f\x01\xf8"),
};
static const struct piece other[] = {
    PIECE(SET_LEAF, "\x0f\xa2"),
    PIECE(SET_CALL, "\x0f\x01\xc1"),
    PIECE(SET_VALUE, "\x0f\x01\xc1"),
    PIECE(0, "\xf4"),
    PIECE(0, "\xf3\x90"),
    PIECE(SET_SMALL, "\x0f\x01\xc8"),
    PIECE(SET_SMALL, "\x0f\x01\xc9"),
    PIECE(0, "\x0f\x31"),
    PIECE(0, "\x0f\x01\xf9"),
    PIECE(SET_SMALL, "\x0f\x33"),
    PIECE(0, "\x0f\xc7\xf0"),
    PIECE(0, "\x48\x0f\xc7\xf9"),
    PIECE(0, "\x0f\x09"),
    PIECE(0, "\x0f\x08"),
    PIECE(SET_ADDRESS, "\x0f\x01\x3f"),
    PIECE(SET_ADDRESS | SET_VALUE, "\x66\x0f\x38\x82\x07"),
    PIECE(0, "\x0f\xaa"),
    PIECE(0, "\x0f\x37"),
    PIECE(SET_ADDRESS, "\x0f\xc7\x37"),
    PIECE(SET_ADDRESS, "\xf3\x0f\xc7\x37"),
    PIECE(0, "\x0f\x01\xc2"),
    PIECE(0, "\x0f\x01\xc3"),
    PIECE(0, "\x0f\x01\xc4"),
    PIECE(TAIL_MODRM, "\x0f\x78"),
    PIECE(TAIL_MODRM, "\x0f\x79"),
    PIECE(TAIL_MODRM, "\x66\x0f\x38\x80"),
    PIECE(TAIL_MODRM, "\x66\x0f\x38\x81"),
    PIECE(0, "\x0f\x01\xd4"),
    PIECE(SET_ADDRESS, "\x0f\xc7\x2f"),
    PIECE(SET_ADDRESS, "\x0f\xae\x2f"),
    PIECE(0, "\x0f\x0b"),
};

static const struct {
    const char *name;
    const struct piece *pieces;
    uint32_t count;
} kinds[PROGRAM_KINDS] = {
#define KIND(pieces) pieces, sizeof(pieces) / sizeof((pieces)[0])
    [PROGRAM_BYTES] = {"random bytes", NULL, 0},
    [PROGRAM_MSR] = {"MSRs", KIND(msr)},
    [PROGRAM_PORT] = {"ports", KIND(port)},
    [PROGRAM_CONTROL] = {"control registers", KIND(control)},
    [PROGRAM_APIC] = {"local APIC", KIND(apic)},
    [PROGRAM_MEMORY] = {"memory and devices", KIND(memory)},
    [PROGRAM_SYSTEM] = {"tables and transfers", KIND(system_)},
    [PROGRAM_OTHER] = {"other exits", KIND(other)},
    [PROGRAM_MIXED] = {"mixed", NULL, 0},
};

const char *program_kind_name(enum program_kind kind)
{
    return kinds[kind].name;
}

/* Where the next byte goes; what does not fit is left out. */
struct writer {
    uint8_t *at, *end;
};

static void put(struct writer *writer, const void *bytes, size_t size)
{
    if ((size_t)(writer->end - writer->at) < size)
        size = (size_t)(writer->end - writer->at);
    memcpy(writer->at, bytes, size);
    writer->at += size;
}

/* MOV of 32 bits into the register of that number: EAX 0, ECX 1, EDX 2, ESI 6, EDI 7. */
static void set(struct writer *writer, uint8_t number, uint32_t value)
{
    const uint8_t opcode = 0xb8 + number;

    put(writer, &opcode, 1);
    put(writer, &value, 4);
}

static uint32_t random_msr(struct random *random)
{
    static const uint32_t bases[] = {0,     0x10,  0x1b,       0x3a,       0x48,      0x80,  0x174,
                                     0x1d9, 0x277, 0x480,      0x6e0,      0x800,     0xda0, 0x1ff8,
                                     0x38d, 0x600, 0xc0000080, 0xc0000100, 0xc0001ff8};

    if (random_once_in(random, 4))
        return (uint32_t)random_value(random);
    return bases[random_below(random, sizeof(bases) / sizeof(bases[0]))] + random_below(random, 16);
}

static uint32_t random_address(struct random *random)
{
    static const uint32_t bases[] = {0,           GUEST_READ_ONLY, GUEST_NO_EXECUTE, GUEST_UNMAPPED,
                                     GUEST_BYTES, GUEST_TABLES,    GUEST_DEVICE,     GUEST_TRAPPED,
                                     GUEST_APIC};

    if (random_once_in(random, 8))
        return (uint32_t)random_value(random);
    return bases[random_below(random, sizeof(bases) / sizeof(bases[0]))] +
           (random_once_in(random, 4) ? 0xfff - random_below(random, 8)
                                      : random_below(random, 0x1000));
}

static void set_operands(struct writer *writer, struct random *random, unsigned operands)
{
    if (operands & SET_MSR)
        set(writer, 1, random_msr(random));
    if (operands & (SET_VALUE | SET_LEAF)) {
        set(writer, 0, (uint32_t)random_value(random));
        set(writer, 2, random_once_in(random, 2) ? 0 : (uint32_t)random_value(random));
    }
    if (operands & SET_LEAF && !random_once_in(random, 8))
        set(writer, 0, random_below(random, 0x20) | random_below(random, 3) << 30);
    if (operands & (SET_SMALL | SET_LEAF))
        set(writer, 1,
            random_once_in(random, 8) ? (uint32_t)random_value(random) : random_below(random, 4));
    if (operands & SET_PORT)
        set(writer, 2, (uint32_t)random_value(random));
    if (operands & SET_ADDRESS) {
        set(writer, 7, random_address(random));
        set(writer, 6, random_address(random));
    }
    if (operands & SET_APIC) {
        set(writer, 7,
            GUEST_APIC + (random_once_in(random, 8) ? random_below(random, 0x1000)
                                                    : random_below(random, 0x40) << 4));
        set(writer, 1, 0x800 + random_below(random, random_once_in(random, 8) ? 0x100 : 0x40));
    }
    if (operands & SET_CALL) {
        set(writer, 0, random_below(random, 20));
        set(writer, 7, (uint32_t)random_value(random));
    }
}

static void put_piece(struct writer *writer, struct random *random, const struct piece *piece)
{
    uint64_t rest = random_next(random);

    set_operands(writer, random, piece->operands);
    put(writer, piece->bytes, piece->size);
    if (piece->operands & TAIL_FAR)
        put(writer, &rest, 6);
    if (piece->operands & TAIL_MODRM)
        put(writer, &rest, 1 + (rest >> 6 & 3 ? (rest >> 6 & 3) % 3 : 0));
    if (piece->operands & TAIL_BYTE)
        put(writer, &rest, 1);
}

void program_write(enum program_kind kind, struct random *random, uint8_t *code, size_t size)
{
    struct writer writer = {code, code + size};

    while (writer.at < writer.end) {
        uint64_t bytes = random_next(random);
        enum program_kind of =
            kind == PROGRAM_MIXED ? (enum program_kind)random_below(random, PROGRAM_MIXED) : kind;
        if (kinds[of].count)
            put_piece(&writer, random, &kinds[of].pieces[random_below(random, kinds[of].count)]);
        else
            put(&writer, &bytes, sizeof(bytes));
    }
}
