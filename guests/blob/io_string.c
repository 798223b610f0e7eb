/* SPDX-License-Identifier: MIT */
/*
 * INS and OUTS at a port of nobody's. A REP of any length here is one VM exit: the core moves all
 * of it (exits/io_string.h), which is what the rows' figures are about.
 */
#include "row.h"

#define PORT GUEST_PORTS
_Static_assert(PORT == 0x300, "as the assembler reads it below");

static __attribute__((used)) uint8_t string_bytes[256];

#define TO         "cld\n\tmov $0x300, %%edx\n\tmov $string_bytes, %%edi"
#define FROM       "cld\n\tmov $0x300, %%edx\n\tmov $string_bytes, %%esi"
#define REP(count) "\n\tmov $" #count ", %%ecx"

#define STRING_CODE(count)                               \
    ROW_CODE(rep_ins_##count, TO REP(count), "rep insb") \
    ROW_CODE(rep_outs_##count, FROM REP(count), "rep outsb")

ROW_CODE(ins_1, TO, "insb")
ROW_CODE(ins_2, TO, "insw")
ROW_CODE(ins_4, TO, "insl")
ROW_CODE(outs_1, FROM, "outsb")
ROW_CODE(outs_2, FROM, "outsw")
ROW_CODE(outs_4, FROM, "outsl")
STRING_CODE(1)
STRING_CODE(16)
STRING_CODE(256)

#define STRING(called, id, mnemonic, bytes, text)                               \
    {                                                                           \
        .name = called, CODE(id), .description = text, .instruction = mnemonic, \
        .exits = {IF_PORT(PORT, bytes)},                                        \
    }
#define REPEATED(count)                                                        \
    STRING("rep_ins/" #count, rep_ins_##count, "REP INSB", 1,                  \
           "read of " #count " byte(s) from a port into memory, in one exit"), \
        STRING("rep_outs/" #count, rep_outs_##count, "REP OUTSB", 1,           \
               "write of " #count " byte(s) of memory to a port, in one exit")

ROWS = {
    STRING("ins/1", ins_1, "INSB", 1, "read of a byte from a port into memory"),
    STRING("ins/2", ins_2, "INSW", 2, "read of 2 bytes from a port into memory"),
    STRING("ins/4", ins_4, "INSD", 4, "read of 4 bytes from a port into memory"),
    STRING("outs/1", outs_1, "OUTSB", 1, "write of a byte of memory to a port"),
    STRING("outs/2", outs_2, "OUTSW", 2, "write of 2 bytes of memory to a port"),
    STRING("outs/4", outs_4, "OUTSD", 4, "write of 4 bytes of memory to a port"),
    REPEATED(1),
    REPEATED(16),
    REPEATED(256),
};
