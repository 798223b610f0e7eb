/* SPDX-License-Identifier: MIT */
#include "policy.h"

#include "../probes/record.h"
#include "nearest.h"
#include "policy_bitmap.h"
#include "policy_control.h"
#include "policy_hide.h"
#include "policy_line.h"
#include "policy_name.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* What has bitmaps, or masks. */
enum space { SPACE_MSR, SPACE_IO, SPACE_EXCEPTION, SPACE_CR0, SPACE_CR4, SPACES };
static const char *const spaces[SPACES] = {"msr", "io", "exception", "cr0", "cr4"};
#define SPACE_WORDS "msr, io, exception, cr0 or cr4"
static const char *const actions[] = {"passthrough", "intercept"};

static uint32_t *mask_of(struct line *line, enum space space)
{
    return space == SPACE_CR0 ? &line->policy->plan.cr0_mask : &line->policy->plan.cr4_mask;
}

static bool rule_default(struct line *line)
{
    int space = line_choose(line, 1, SPACE_WORDS, spaces, SPACES);
    int action = space < 0 ? -1 : line_choose(line, 2, "passthrough or intercept", actions, 2);
    if (action < 0 || !line_ends(line, 3))
        return false;
    if (space == SPACE_MSR)
        policy_set_msrs(&line->policy->plan, 0, UINT32_MAX, true, true, action);
    else if (space == SPACE_IO)
        policy_set_ports(&line->policy->plan, 0, UINT16_MAX, action);
    else if (space == SPACE_EXCEPTION)
        policy_set_exceptions(&line->policy->plan, 0, EXCEPTION_LAST, action);
    else
        *mask_of(line, (enum space)space) = action ? UINT32_MAX : 0;
    return true;
}

/* Numbers by number, range or name; how many ranges, 0 with an error if it is none of these. */
static size_t numbers(struct line *line, enum number_space space, uint32_t limit,
                      struct named_range ranges[NAME_RANGES_MAX])
{
    static const char *const what[NUMBER_SPACES] = {
        "an MSR: a number N, a range N-M, or a name of the SDM's",
        "a port: a number N, a range N-M, or a name"};
    size_t count;

    if (line->words < 3 || line_is_number(line, 2))
        return line_range(line, 2, limit, &ranges->first, &ranges->last);
    count = name_ranges(space, line->word[2], ranges);
    if (count == 0) {
        const char *const *names = name_list(space, &count);
        char *hint = nearest_hint(line->word[2], names, count);
        line_wrong(line, 2, text("'%s' is not %s%s", line->word[2], what[space], hint));
        free(hint);
        return 0;
    }
    return count;
}

/* Of what a name stands for, or a range, at least one may pass. */
static bool any_may_pass(const struct named_range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (uint64_t msr = ranges[i].first; msr <= ranges[i].last; msr++)
            if (!msr_never_passes((uint32_t)msr))
                return true;
    return false;
}

/* The two ranges with bits do not touch, so a range that leaves one has its ends apart. */
static bool all_have_bits(uint32_t first, uint32_t last)
{
    return msr_has_bits(first) && msr_has_bits(last) && last - first < MSR_RANGE_SIZE;
}

static bool msr_rule(struct line *line, bool intercept)
{
    static const char *const accesses[] = {"r", "w", "rw"};
    struct named_range ranges[NAME_RANGES_MAX];
    size_t count = numbers(line, NUMBERS_MSR, UINT32_MAX, ranges);
    int access = 2;
    if (!count)
        return false;
    if (line->words > 3 && (access = line_choose(line, 3, "r, w or rw", accesses, 3)) < 0)
        return false;
    if (!line_ends(line, 4))
        return false;
    if (!intercept && !any_may_pass(ranges, count))
        return line_wrong(line, 2,
                          text("by %s the CPU writes to memory past the EPT, or to the host's: it "
                               "exits under every policy and cannot pass through",
                               line->word[2]));
    for (size_t i = 0; i < count; i++) {
        uint32_t first = ranges[i].first, last = ranges[i].last;
        if (!intercept && !all_have_bits(first, last))
            return line_wrong(
                line, 2,
                text("MSRs outside 0-0x1fff and 0xc0000000-0xc0001fff exit under every policy; "
                     "they cannot pass through"));
        policy_set_msrs(&line->policy->plan, first, last, access != 1, access != 0, intercept);
    }
    return true;
}

static bool io_rule(struct line *line, bool intercept)
{
    struct named_range ranges[NAME_RANGES_MAX];
    size_t count = numbers(line, NUMBERS_IO, UINT16_MAX, ranges);
    if (!count || !line_ends(line, 3))
        return false;
    for (size_t i = 0; i < count; i++)
        policy_set_ports(&line->policy->plan, (uint16_t)ranges[i].first, (uint16_t)ranges[i].last,
                         intercept);
    return true;
}

static bool exception_rule(struct line *line, bool intercept)
{
    unsigned first, last;
    if (line->words > 2 && !line_is_number(line, 2)) {
        int named = line_choose(line, 2, "an exception", exception_names, EXCEPTION_NAMES);
        if (named < 0)
            return false;
        first = last = exception_vectors[named];
    } else if (!line_range(line, 2, EXCEPTION_LAST, &first, &last)) {
        return false;
    }
    if (!line_ends(line, 3))
        return false;
    for (unsigned vector = first; !intercept && vector <= last; vector++)
        if (EXCEPTIONS_THAT_ALWAYS_EXIT >> vector & 1)
            return line_wrong(
                line, 2,
                text("NMIs and machine checks (2 and 18) exit under every policy; they "
                     "cannot pass through"));
    policy_set_exceptions(&line->policy->plan, first, last, intercept);
    return true;
}

/* Bit N or bits N-M of a control register. */
static bool register_rule(struct line *line, enum space space, bool intercept)
{
    uint32_t *mask = mask_of(line, space);
    uint32_t first, last;
    if (!line_range(line, 2, 31, &first, &last) || !line_ends(line, 3))
        return false;
    uint32_t bits = (uint32_t)((2ull << last) - (1ull << first));
    *mask = intercept ? *mask | bits : *mask & ~bits;
    return true;
}

static bool access_rule(struct line *line, bool intercept)
{
    int space = line_choose(line, 1, SPACE_WORDS, spaces, SPACES);
    if (space < 0)
        return false;
    if (space == SPACE_MSR)
        return msr_rule(line, intercept);
    if (space == SPACE_IO)
        return io_rule(line, intercept);
    return space == SPACE_EXCEPTION ? exception_rule(line, intercept)
                                    : register_rule(line, (enum space)space, intercept);
}

static bool rule_intercept(struct line *line)
{
    return access_rule(line, true);
}

static bool rule_passthrough(struct line *line)
{
    return access_rule(line, false);
}

static bool rule_control(struct line *line)
{
    static const char *const states[POLICY_CONTROL_STATES] = {"off", "on", "where-offered"};
    size_t count;
    const char *const *names = policy_control_names(&count);
    int control = line_choose(line, 1, "a control", names, count);
    int state = control < 0 ? -1
                            : line_choose(line, 2, "on, off or where-offered", states,
                                          POLICY_CONTROL_STATES);
    if (state < 0 || !line_ends(line, 3))
        return false;
    policy_control_set(&line->policy->plan, (size_t)control, (enum policy_control_state)state);
    return true;
}

static bool answer_rule(struct line *line, enum policy_answer answer)
{
    struct named_range ranges[NAME_RANGES_MAX];
    bool refuse = answer == ANSWER_REFUSE;
    int space = line_choose(line, 1, refuse ? "msr" : "msr or io", spaces, refuse ? 1 : 2);
    size_t count = space < 0            ? 0
                   : space == SPACE_MSR ? numbers(line, NUMBERS_MSR, UINT32_MAX, ranges)
                                        : numbers(line, NUMBERS_IO, UINT16_MAX, ranges);
    if (!count || !line_ends(line, 3))
        return false;
    for (size_t i = 0; i < count; i++) {
        uint32_t first = ranges[i].first, last = ranges[i].last;
        if (space == SPACE_IO)
            policy_answer_ports(&line->policy->plan, (uint16_t)first, (uint16_t)last, answer);
        else if (answer != ANSWER_FORWARD && !all_have_bits(first, last))
            return line_wrong(line, 2,
                              text("MSRs outside 0-0x1fff and 0xc0000000-0xc0001fff are "
                                   "forwarded under every policy"));
        else
            policy_answer_msrs(&line->policy->plan, first, last, answer);
    }
    return true;
}

static bool rule_emulate(struct line *line)
{
    return answer_rule(line, ANSWER_EMULATE);
}

static bool rule_forward(struct line *line)
{
    return answer_rule(line, ANSWER_FORWARD);
}

static bool rule_refuse(struct line *line)
{
    return answer_rule(line, ANSWER_REFUSE);
}

static bool rule_unclaimed(struct line *line)
{
    static const char *const kinds[] = {"forward", "ones"};
    int space = line_choose(line, 1, "io", &spaces[SPACE_IO], 1);
    int kind = space < 0 ? -1 : line_choose(line, 2, "forward or ones", kinds, 2);
    if (kind < 0 || !line_ends(line, 3))
        return false;
    policy_answer_ports(&line->policy->plan, 0, UINT16_MAX, kind ? ANSWER_EMULATE : ANSWER_FORWARD);
    return true;
}

static bool rule_probes(struct line *line)
{
    int level = line_choose(line, 1, "off, counts, stamps, full or hardware", probe_level_names,
                            PROBE_LEVELS_PLAIN);
    if (level < 0 || !line_ends(line, 2))
        return false;
    line->policy->probe_level = (unsigned)level;
    return true;
}

static const char *const rule_names[] = {"default", "intercept", "passthrough", "emulate",
                                         "forward", "refuse",    "unclaimed",   "control",
                                         "hide",    "probes"};
static bool (*const rules[])(struct line *) = {
    rule_default, rule_intercept, rule_passthrough, rule_emulate, rule_forward,
    rule_refuse,  rule_unclaimed, rule_control,     rule_hide,    rule_probes};

static void seal(struct policy *policy)
{
    const char *from = (const char *)&policy->plan + sizeof(policy->plan.name);
    sha256_text(from, sizeof(policy->plan) - sizeof(policy->plan.name), policy->sha256);
}

int policy_compile(const char *name, const char *source, size_t size, struct policy *policy,
                   struct policy_error *error)
{
    const size_t rule_count = sizeof(rules) / sizeof(rules[0]);
    struct line line = {.policy = policy, .error = error};

    *policy = (struct policy){.probe_level = PROBE_FULL};
    *error = (struct policy_error){0};
    if (!*name || strlen(name) >= PLAN_NAME_SIZE ||
        name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-")]) {
        error->message =
            text("'%s' is no name for a policy (1 to %u of a-z 0-9 _ -)", name, PLAN_NAME_SIZE - 1);
        return -1;
    }
    strcpy(policy->plan.name, name);
    policy_set_msrs(&policy->plan, 0, UINT32_MAX, true, true, true);
    policy_set_ports(&policy->plan, 0, UINT16_MAX, true);

    for (const char *at = source, *end = source + size; at < end;) {
        const char *feed = memchr(at, '\n', (size_t)(end - at));
        const char *line_end = feed ? feed : end;
        line.number++;
        if (!line_cut(&line, at, line_end))
            return -1;
        if (line.words > 0) {
            int rule = line_choose(&line, 0, "a rule", rule_names, rule_count);
            if (rule < 0 || !rules[rule](&line))
                return -1;
        }
        at = feed ? feed + 1 : end;
    }
    seal(policy);
    return 0;
}
