/* SPDX-License-Identifier: MIT */
#include "row_exits.h"

#include "policy.h"

static const char *const control_names[ROW_CONTROLS] = {
#define CONTROL_NAME_PIN_BASED(bit, name) [1 + 32 * CONTROL_PIN_BASED + (bit)] = (name),
#define CONTROL_NAME_PRIMARY(bit, name)   [1 + 32 * CONTROL_PRIMARY + (bit)] = (name),
#define CONTROL_NAME_SECONDARY(bit, name) [1 + 32 * CONTROL_SECONDARY + (bit)] = (name),
#define CONTROL_NAME_EXIT(bit, name)
#define CONTROL_NAME_ENTRY(bit, name)
#define CONTROL(group, bit, symbol, name) CONTROL_NAME_##group(bit, name)
#include "../core/vmx/control_list.h"
#undef CONTROL
};

const char *row_control_name(unsigned control)
{
    return control < ROW_CONTROLS ? control_names[control] : NULL;
}

static bool control_is_on(unsigned control, const struct controls_in_force *controls)
{
    const uint32_t groups[] = {[CONTROL_PIN_BASED] = controls->pin_based,
                               [CONTROL_PRIMARY] = controls->primary,
                               [CONTROL_SECONDARY] = controls->secondary};
    return groups[(control - 1) / 32] >> (control - 1) % 32 & 1;
}

static bool gate_is_shut(const struct row_exit *exit, const struct plan_policy *policy)
{
    switch ((enum row_gate)exit->gate) {
    case GATE_MSR_READ:
        return policy_msr_exits(policy, exit->index, false);
    case GATE_MSR_WRITE:
        return policy_msr_exits(policy, exit->index, true);
    case GATE_IO:
        return policy_io_exits(policy, exit->index, exit->width);
    case GATE_EXCEPTION:
        return policy_exception_exits(policy, exit->index);
    case GATE_CR0:
        return policy->cr0_mask & exit->index;
    case GATE_CR4:
        return policy->cr4_mask & exit->index;
    case GATE_ALWAYS:
    case GATES:
        break;
    }
    return true;
}

bool row_exit_taken(const struct row_exit *exit, const struct plan_policy *policy,
                    const struct controls_in_force *controls)
{
    for (unsigned i = 0; i < sizeof(exit->when_on); i++)
        if ((exit->when_on[i] && !control_is_on(exit->when_on[i], controls)) ||
            (exit->when_off[i] && control_is_on(exit->when_off[i], controls)))
            return false;
    return gate_is_shut(exit, policy);
}

unsigned row_exits_of(const struct blob_row *row, unsigned reason, const struct plan_policy *policy,
                      const struct controls_in_force *controls)
{
    unsigned count = 0;
    for (unsigned i = 0; i < ROW_EXITS && row->exits[i].times; i++)
        if (row->exits[i].reason == reason && row_exit_taken(&row->exits[i], policy, controls))
            count += row->exits[i].times;
    return count;
}

unsigned row_exits(const struct blob_row *row, const struct plan_policy *policy,
                   const struct controls_in_force *controls)
{
    unsigned count = 0;
    for (unsigned i = 0; i < ROW_EXITS && row->exits[i].times; i++)
        if (row_exit_taken(&row->exits[i], policy, controls))
            count += row->exits[i].times;
    return count;
}

unsigned row_exits_most(const struct blob_row *row)
{
    unsigned count = 0;
    for (unsigned i = 0; i < ROW_EXITS && row->exits[i].times; i++)
        count += row->exits[i].times;
    return count;
}

bool row_expects(const struct blob_row *row, unsigned reason)
{
    for (unsigned i = 0; i < ROW_EXITS && row->exits[i].times; i++)
        if (row->exits[i].reason == reason)
            return true;
    return false;
}
