/* SPDX-License-Identifier: MIT */
/* What arithmetic instructions compute, and the flags they leave (SDM Vol. 1 appendix A). */
#ifndef EXITMETER_CORE_EXITS_MMIO_ARITHMETIC_H
#define EXITMETER_CORE_EXITS_MMIO_ARITHMETIC_H

#include "mmio_decode.h"

/*
 * The result of MMIO_ADD to MMIO_DEC on operands of 1, 2, 4 or 8 bytes, destination first, whose
 * upper bits do not count. For CMP and TEST it is what nobody keeps; for those with one operand, b
 * is ignored. *rflags: CF goes in, the arithmetic flags come out changed, AF of AND, OR, XOR and
 * TEST clear.
 */
uint64_t mmio_arithmetic(enum mmio_operation operation, uint64_t a, uint64_t b, unsigned bytes,
                         uint64_t *rflags);

#endif
