/* SPDX-License-Identifier: MIT */
#include "control.h"

static const char *const names[CONTROL_GROUPS][32] = {
#define CONTROL(group, bit, symbol, name) [CONTROL_##group][bit] = name,
#include "control_list.h"
#undef CONTROL
};

static const char *const group_names[CONTROL_GROUPS] = {
    [CONTROL_PIN_BASED] = "pin-based VM-execution controls",
    [CONTROL_PRIMARY] = "primary processor-based VM-execution controls",
    [CONTROL_SECONDARY] = "secondary processor-based VM-execution controls",
    [CONTROL_EXIT] = "VM-exit controls",
    [CONTROL_ENTRY] = "VM-entry controls",
};

bool control_choose(uint64_t capability, const struct control_wish *wish, uint32_t *value,
                    struct control_refusal *refusal)
{
    uint32_t must_be_one = (uint32_t)capability;
    uint32_t may_be_one = (uint32_t)(capability >> 32);
    uint32_t impossible =
        (wish->set & ~may_be_one) | (wish->clear & must_be_one) | (wish->set & wish->clear);

    if (impossible) {
        refusal->bit = (uint32_t)__builtin_ctz(impossible);
        refusal->wanted = wish->set >> refusal->bit & 1;
        return false;
    }
    *value = (must_be_one | wish->set | wish->optional) & may_be_one & ~wish->clear;
    return true;
}

const char *control_name(enum control_group group, uint32_t bit)
{
    return bit < 32 && names[group][bit] ? names[group][bit] : "reserved";
}

const char *control_group_name(enum control_group group)
{
    return group_names[group];
}
