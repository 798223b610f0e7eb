/* SPDX-License-Identifier: MIT */
#include "policy_show.h"

#include "../probes/record.h"
#include "policy_bitmap.h"
#include "policy_control.h"
#include "policy_cpuid.h"
#include "policy_register.h"
#include "policy_runs.h"

#include <stdlib.h>

static const char *const actions[] = {"passthrough", "intercept"};

static uint32_t alike(const struct plan_policy *plan, enum number_space space, uint32_t number)
{
    return space == NUMBERS_MSR ? policy_msrs_alike(plan, number)
                                : policy_ports_alike(plan, (uint16_t)number);
}

/* What a rule must be written for, the default being action. */
struct beside {
    const struct plan_policy *plan;
    bool intercept;
};

static bool differs(const void *context, enum number_space space, uint32_t number, bool write,
                    uint32_t *last)
{
    const struct beside *beside = context;
    *last = alike(beside->plan, space, number);
    bool exits = space == NUMBERS_MSR ? policy_msr_exits(beside->plan, number, write)
                                      : policy_io_exits(beside->plan, number, 1);
    return exits != beside->intercept;
}

static void write_range(FILE *to, const char *rule, enum number_space space,
                        const struct access_run *run)
{
    const char *name = name_of_range(space, run->first, run->last);
    fprintf(to, "%s %s ", rule, space == NUMBERS_MSR ? "msr" : "io");
    if (name)
        fprintf(to, "%s", name);
    else if (run->first == run->last)
        fprintf(to, "0x%x", run->first);
    else
        fprintf(to, "0x%x-0x%x", run->first, run->last);
}

/* Rules that have no access in them. */
static void write_numbers(FILE *to, const char *rule, enum number_space space,
                          const struct access_run *runs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        write_range(to, rule, space, &runs[i]);
        fputc('\n', to);
    }
}

/* By the default that leaves fewer rules to write; by intercept if both leave as many. */
static void write_space(FILE *to, const struct plan_policy *plan, enum number_space space)
{
    struct access_run *runs[2];
    size_t counts[2];
    for (int intercept = 0; intercept < 2; intercept++) {
        struct beside beside = {plan, intercept};
        counts[intercept] = runs_find(space, 0, UINT32_MAX, differs, &beside, &runs[intercept]);
    }
    bool intercept = counts[1] <= counts[0];
    fprintf(to, "default %s %s\n", space == NUMBERS_MSR ? "msr" : "io", actions[intercept]);
    for (size_t i = 0; i < counts[intercept]; i++) {
        const struct access_run *run = &runs[intercept][i];
        write_range(to, actions[!intercept], space, run);
        fprintf(to, space == NUMBERS_MSR ? " %s\n" : "\n", access_text(run->access));
    }
    free(runs[0]);
    free(runs[1]);
}

static void write_exceptions(FILE *to, const struct plan_policy *plan)
{
    uint32_t may = ~EXCEPTIONS_THAT_ALWAYS_EXIT, set = plan->exception_bitmap & may;
    bool intercept = 2 * __builtin_popcount(set) > __builtin_popcount(may);
    uint32_t left = intercept ? ~set & may : set;

    fprintf(to, "default exception %s\n", actions[intercept]);
    for (unsigned vector = 0; vector < 32; vector++) {
        if (!(left >> vector & 1))
            continue;
        fprintf(to, "%s exception ", actions[!intercept]);
        const char *name = exception_name(vector);
        if (name)
            fprintf(to, "%s\n", name);
        else
            fprintf(to, "%u\n", vector);
    }
}

static unsigned rows_of(uint32_t bits)
{
    unsigned count = 0;
    for (unsigned first = 0, last; bits_in_a_row(bits, &first, &last); first = last + 1)
        count++;
    return count;
}

/* By the default that leaves fewer rules to write; by passthrough if both leave as many. */
static void write_mask(FILE *to, const struct plan_policy *plan, enum policy_register of)
{
    uint32_t mask = policy_register_mask(plan, of);
    bool intercept = rows_of(~mask) < rows_of(mask);
    uint32_t left = intercept ? ~mask : mask;

    fprintf(to, "default %s %s\n", register_names[of], actions[intercept]);
    for (unsigned first = 0, last; bits_in_a_row(left, &first, &last); first = last + 1) {
        fprintf(to, "%s %s %u", actions[!intercept], register_names[of], first);
        fprintf(to, first == last ? "\n" : "-%u\n", last);
    }
}

static void write_controls(FILE *to, const struct plan_policy *plan)
{
    static const char *const states[POLICY_CONTROL_STATES] = {"off", "on", "where-offered"};
    size_t count;
    const char *const *names = policy_control_names(&count);
    for (size_t i = 0; i < count; i++) {
        enum policy_control_state state = policy_control_get(plan, i);
        if (state < POLICY_CONTROL_STATES)
            fprintf(to, "control %s %s\n", names[i], states[state]);
    }
}

/* Bits of one output, as ranges; one bit that has a name by that. */
static void write_hidden(FILE *to, const struct plan_cpuid_hidden *hidden)
{
    static const char *const outputs[] = {"eax", "ebx", "ecx", "edx"};
    for (unsigned first = 0, last; bits_in_a_row(hidden->bits, &first, &last); first = last + 1) {
        const char *name = first == last ? policy_feature_of(hidden, first) : NULL;
        if (name) {
            fprintf(to, "hide cpuid %s\n", name);
            continue;
        }
        fprintf(to, "hide cpuid 0x%x", hidden->leaf);
        if (hidden->subleaf != PLAN_ANY_SUBLEAF)
            fprintf(to, ":0x%x", hidden->subleaf);
        fprintf(to, " %s %u", outputs[hidden->output % 4], first);
        fprintf(to, first == last ? "\n" : "-%u\n", last);
    }
}

/* What has the answer. */
struct answered {
    const struct plan_policy *plan;
    enum policy_answer answer;
};

static bool answered_so(const void *context, enum number_space space, uint32_t number, bool write,
                        uint32_t *last)
{
    const struct answered *answered = context;
    (void)write;
    *last = alike(answered->plan, space, number);
    return answered->answer == (space == NUMBERS_MSR
                                    ? policy_msr_answer(answered->plan, number)
                                    : policy_port_answer(answered->plan, (uint16_t)number));
}

static void write_answers(FILE *to, const struct plan_policy *plan)
{
    struct access_run *runs, *forwarded;
    struct answered so = {plan, ANSWER_EMULATE};

    size_t count = runs_find(NUMBERS_MSR, 0, UINT32_MAX, answered_so, &so, &runs);
    write_numbers(to, "emulate", NUMBERS_MSR, runs, count);
    free(runs);
    so.answer = ANSWER_REFUSE;
    count = runs_find(NUMBERS_MSR, 0, UINT32_MAX, answered_so, &so, &runs);
    write_numbers(to, "refuse", NUMBERS_MSR, runs, count);
    free(runs);

    /* Ports by what leaves fewer rules to write. */
    so.answer = ANSWER_EMULATE;
    count = runs_find(NUMBERS_IO, 0, UINT32_MAX, answered_so, &so, &runs);
    so.answer = ANSWER_FORWARD;
    size_t others = runs_find(NUMBERS_IO, 0, UINT32_MAX, answered_so, &so, &forwarded);
    if (others < count) {
        fprintf(to, "unclaimed io ones\n");
        write_numbers(to, "forward", NUMBERS_IO, forwarded, others);
    } else {
        write_numbers(to, "emulate", NUMBERS_IO, runs, count);
    }
    free(runs);
    free(forwarded);
}

void policy_write_settings(FILE *to, const struct policy *policy)
{
    write_controls(to, &policy->plan);
    write_answers(to, &policy->plan);
    for (unsigned i = 0; i < PLAN_CPUID_HIDDEN; i++)
        write_hidden(to, &policy->plan.cpuid[i]);
    if (policy->probe_level != PROBE_FULL)
        fprintf(to, "probes %s\n", probe_level_name(policy->probe_level));
}

char *policy_text(const struct policy *policy)
{
    char *whole;
    size_t size;
    FILE *to = open_memstream(&whole, &size);
    if (!to)
        abort(); /* out of memory */
    write_space(to, &policy->plan, NUMBERS_MSR);
    write_space(to, &policy->plan, NUMBERS_IO);
    write_exceptions(to, &policy->plan);
    write_mask(to, &policy->plan, REGISTER_CR0);
    write_mask(to, &policy->plan, REGISTER_CR4);
    policy_write_settings(to, policy);
    fclose(to);
    return whole;
}
