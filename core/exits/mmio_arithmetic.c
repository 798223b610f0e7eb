/* SPDX-License-Identifier: MIT */
#include "mmio_arithmetic.h"

#include "../x86/control_registers.h"

static uint64_t sign_of(unsigned bytes)
{
    return 1ull << (8 * bytes - 1);
}

/* SF, ZF and PF tell of the result alone; PF of its lowest byte. */
static uint64_t result_flags(uint64_t result, unsigned bytes)
{
    return (result & sign_of(bytes) ? RFLAGS_SF : 0) | (result ? 0 : RFLAGS_ZF) |
           (__builtin_parity((unsigned)result & 0xff) ? 0 : RFLAGS_PF);
}

/* carries: bit n is the carry, or the borrow, out of bit n. */
static uint64_t carry_flags(uint64_t carries, bool overflow, unsigned bytes)
{
    return (carries & sign_of(bytes) ? RFLAGS_CF : 0) | (carries & 8 ? RFLAGS_AF : 0) |
           (overflow ? RFLAGS_OF : 0);
}

static uint64_t add(uint64_t a, uint64_t b, bool carry, unsigned bytes, uint64_t *flags)
{
    uint64_t sum = a + b + carry, carries = (a & b) | ((a | b) & ~sum);

    *flags = carry_flags(carries, (a ^ sum) & (b ^ sum) & sign_of(bytes), bytes);
    return sum;
}

static uint64_t subtract(uint64_t a, uint64_t b, bool borrow, unsigned bytes, uint64_t *flags)
{
    uint64_t difference = a - b - borrow, borrows = (~a & b) | ((~a | b) & difference);

    *flags = carry_flags(borrows, (a ^ b) & (a ^ difference) & sign_of(bytes), bytes);
    return difference;
}

uint64_t mmio_arithmetic(enum mmio_operation operation, uint64_t a, uint64_t b, unsigned bytes,
                         uint64_t *rflags)
{
    bool carry = *rflags & RFLAGS_CF;
    uint64_t flags = 0, result, keep = 0;

    switch (operation) {
    case MMIO_ADD:
        result = add(a, b, false, bytes, &flags);
        break;
    case MMIO_ADC:
        result = add(a, b, carry, bytes, &flags);
        break;
    case MMIO_SUB:
    case MMIO_CMP:
        result = subtract(a, b, false, bytes, &flags);
        break;
    case MMIO_SBB:
        result = subtract(a, b, carry, bytes, &flags);
        break;
    case MMIO_NEG:
        result = subtract(0, a, false, bytes, &flags);
        break;
    case MMIO_INC:
        result = add(a, 1, false, bytes, &flags);
        keep = RFLAGS_CF;
        break;
    case MMIO_DEC:
        result = subtract(a, 1, false, bytes, &flags);
        keep = RFLAGS_CF;
        break;
    case MMIO_AND:
    case MMIO_TEST:
        result = a & b;
        break;
    case MMIO_OR:
        result = a | b;
        break;
    case MMIO_XOR:
        result = a ^ b;
        break;
    default: /* NOT, which leaves all flags alone */
        return ~a & (sign_of(bytes) | (sign_of(bytes) - 1));
    }
    result &= sign_of(bytes) | (sign_of(bytes) - 1);
    flags |= result_flags(result, bytes);
    *rflags = (*rflags & (~RFLAGS_ARITHMETIC | keep)) | (flags & ~keep);
    return result;
}
