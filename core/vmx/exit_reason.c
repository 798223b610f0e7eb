/* SPDX-License-Identifier: MIT */
#include "exit_reason.h"

static const char *const names[EXIT_REASONS] = {
#define EXIT_REASON(number, symbol, name) [number] = name,
#include "exit_reason_list.h"
#undef EXIT_REASON
};

const char *exit_reason_name(uint32_t exit_reason)
{
    uint32_t basic = exit_reason & 0xffff;
    return basic < EXIT_REASONS && names[basic] ? names[basic] : "unknown exit reason";
}
