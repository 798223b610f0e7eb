/* SPDX-License-Identifier: MIT */
/* Basic exit reasons: numbers and names. */
#ifndef EXITMETER_CORE_VMX_EXIT_REASON_H
#define EXITMETER_CORE_VMX_EXIT_REASON_H

#include <stdint.h>

enum exit_reason {
#define EXIT_REASON(number, symbol, name) EXIT_REASON_##symbol = (number),
#include "exit_reason_list.h"
#undef EXIT_REASON
};

/* Size of tables indexed by a basic exit reason; reasons from here on are unknown to us. */
#define EXIT_REASONS 80u

/* Exit reason field, bit 31: the VM entry failed in loading or checking guest state. */
#define EXIT_REASON_ENTRY_FAILURE (1u << 31)

/* Name of the basic exit reason in bits 15:0; "unknown exit reason" for any other. Never NULL. */
const char *exit_reason_name(uint32_t exit_reason);

#endif
