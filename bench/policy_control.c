/* SPDX-License-Identifier: MIT */
#include "policy_control.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* VM-exit and VM-entry controls are the vCPU's own business. */
#define GROUP_NONE      ((size_t)-1)
#define GROUP_PIN_BASED offsetof(struct plan_policy, pin_based)
#define GROUP_PRIMARY   offsetof(struct plan_policy, primary)
#define GROUP_SECONDARY offsetof(struct plan_policy, secondary)
#define GROUP_EXIT      GROUP_NONE
#define GROUP_ENTRY     GROUP_NONE

static const struct {
    const char *symbol;
    size_t group; /* offset of the struct plan_controls */
    unsigned bit;
} listed[] = {
#define CONTROL(group, bit, symbol, name) {#symbol, GROUP_##group, bit},
#include "../core/vmx/control_list.h"
#undef CONTROL
};

#define LISTED    (sizeof(listed) / sizeof(listed[0]))
#define NAME_SIZE 40u

static char names[LISTED][NAME_SIZE];
static const char *chosen_names[LISTED];
static size_t chosen[LISTED], chosen_count;

static bool may_be_named(const char *name)
{
    static const char *const others[] = {"rdtscp",
                                         "invpcid",
                                         "vpid",
                                         "unrestricted-guest",
                                         "tpr-shadow",
                                         "virtualize-apic-accesses",
                                         "virtualize-x2apic",
                                         "apic-register-virtualization",
                                         "virtual-interrupt-delivery"};
    static const char end[] = "-exiting";
    size_t length = strlen(name);

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (strcmp(name, others[i]) == 0)
            return true;
    return length >= sizeof(end) && strcmp(name + length - (sizeof(end) - 1), end) == 0;
}

/* MOV_DR_EXITING: mov-dr-exiting. */
static void choose_names(void)
{
    for (size_t i = 0; i < LISTED; i++) {
        const char *symbol = listed[i].symbol;
        for (size_t at = 0; at < NAME_SIZE - 1 && symbol[at]; at++)
            names[i][at] = (char)(symbol[at] == '_' ? '-' : tolower((unsigned char)symbol[at]));
        if (listed[i].group != GROUP_NONE && may_be_named(names[i])) {
            chosen[chosen_count] = i;
            chosen_names[chosen_count++] = names[i];
        }
    }
}

const char *const *policy_control_names(size_t *count)
{
    if (chosen_count == 0)
        choose_names();
    *count = chosen_count;
    return chosen_names;
}

enum policy_control_state policy_control_get(const struct plan_policy *policy, size_t index)
{
    size_t i = chosen[index];
    const struct plan_controls *group =
        (const struct plan_controls *)((const char *)policy + listed[i].group);
    uint32_t bit = 1u << listed[i].bit;

    if (group->set & bit)
        return POLICY_CONTROL_ON;
    if (group->clear & bit)
        return POLICY_CONTROL_OFF;
    return group->where_offered & bit ? POLICY_CONTROL_WHERE_OFFERED : POLICY_CONTROL_STATES;
}

void policy_control_set(struct plan_policy *policy, size_t index, enum policy_control_state state)
{
    size_t i = chosen[index];
    struct plan_controls *group = (struct plan_controls *)((char *)policy + listed[i].group);
    uint32_t bit = 1u << listed[i].bit;
    uint32_t *const fields[POLICY_CONTROL_STATES] = {&group->clear, &group->set,
                                                     &group->where_offered};

    for (int other = 0; other < POLICY_CONTROL_STATES; other++)
        *fields[other] &= ~bit;
    *fields[state] |= bit;
}
