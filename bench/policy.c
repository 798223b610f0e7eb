/* SPDX-License-Identifier: MIT */
#include "policy.h"

#include "../probes/record.h"
#include "nearest.h"
#include "policy_bitmap.h"
#include "policy_control.h"
#include "policy_cpuid.h"
#include "policy_line.h"
#include "policy_name.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* What has bitmaps. */
enum space { SPACE_MSR, SPACE_IO, SPACE_EXCEPTION, SPACES };
static const char *const spaces[SPACES] = {"msr", "io", "exception"};
static const char *const actions[] = {"passthrough", "intercept"};

static bool rule_default(struct line *line)
{
    int space = line_choose(line, 1, "msr, io or exception", spaces, SPACES);
    int action = space < 0 ? -1 : line_choose(line, 2, "passthrough or intercept", actions, 2);
    if (action < 0 || !line_ends(line, 3))
        return false;
    if (space == SPACE_MSR)
        policy_set_msrs(&line->policy->plan, 0, UINT32_MAX, true, true, action);
    else if (space == SPACE_IO)
        policy_set_ports(&line->policy->plan, 0, UINT16_MAX, action);
    else
        policy_set_exceptions(&line->policy->plan, 0, EXCEPTION_LAST, action);
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
    for (size_t i = 0; i < count; i++) {
        uint32_t first = ranges[i].first, last = ranges[i].last;
        /* The ranges with bits do not touch, so a range that leaves one has its ends apart. */
        bool all_have_bits =
            msr_has_bits(first) && msr_has_bits(last) && last - first < MSR_RANGE_SIZE;
        if (!intercept && !all_have_bits)
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

static bool access_rule(struct line *line, bool intercept)
{
    int space = line_choose(line, 1, "msr, io or exception", spaces, SPACES);
    if (space < 0)
        return false;
    if (space == SPACE_MSR)
        return msr_rule(line, intercept);
    return space == SPACE_IO ? io_rule(line, intercept) : exception_rule(line, intercept);
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

static bool rule_unclaimed(struct line *line)
{
    static const char *const kinds[PLAN_PORTS_KINDS] = {"forward", "ones"};
    int space = line_choose(line, 1, "io", &spaces[SPACE_IO], 1);
    int kind = space < 0 ? -1 : line_choose(line, 2, "forward or ones", kinds, PLAN_PORTS_KINDS);
    if (kind < 0 || !line_ends(line, 3))
        return false;
    line->policy->plan.unclaimed_ports = (uint32_t)kind;
    return true;
}

static bool rule_probes(struct line *line)
{
    int level =
        line_choose(line, 1, "off, counts, stamps or full", probe_level_names, PROBE_LEVELS);
    if (level < 0 || !line_ends(line, 2))
        return false;
    line->policy->probe_level = (unsigned)level;
    return true;
}

static bool too_much_hidden(struct line *line)
{
    return line_wrong(line, 2,
                      text("a policy hides bits of at most %u outputs", PLAN_CPUID_HIDDEN));
}

/* LEAF or LEAF:SUBLEAF. */
static bool parse_leaf(struct line *line, unsigned word, struct plan_cpuid_hidden *hidden)
{
    const char *at = line->word[word];
    unsigned long long leaf = 0, subleaf = PLAN_ANY_SUBLEAF;
    bool valid = line_parse_number(&at, &leaf);
    if (valid && *at == ':') {
        at++;
        valid = line_parse_number(&at, &subleaf) && subleaf < PLAN_ANY_SUBLEAF;
    }
    if (!valid || *at || leaf > UINT32_MAX)
        return line_wrong(line, word,
                          text("'%s' is no leaf LEAF or LEAF:SUBLEAF of CPUID", line->word[word]));
    hidden->leaf = (uint32_t)leaf;
    hidden->subleaf = (uint32_t)subleaf;
    return true;
}

/* hide cpuid NAME, or hide cpuid LEAF[:SUBLEAF] OUTPUT BIT[-BIT] */
static bool rule_hide(struct line *line)
{
    static const char *const what[] = {"cpuid"}, *const outputs[] = {"eax", "ebx", "ecx", "edx"};
    struct plan_cpuid_hidden hidden = {0};
    unsigned first, last;
    size_t count;
    const char *const *names = policy_feature_names(&count);

    if (line_choose(line, 1, "cpuid", what, 1) < 0)
        return false;
    if (!line_is_number(line, 2)) {
        int feature = line_choose(line, 2, "a feature, or a leaf by number", names, count);
        if (feature < 0 || !line_ends(line, 3))
            return false;
        return policy_hide_feature(&line->policy->plan, (size_t)feature) || too_much_hidden(line);
    }
    if (!parse_leaf(line, 2, &hidden))
        return false;
    int output = line_choose(line, 3, "eax, ebx, ecx or edx", outputs, 4);
    if (output < 0 || !line_range(line, 4, 31, &first, &last) || !line_ends(line, 5))
        return false;
    hidden.output = (uint32_t)output;
    hidden.bits = (uint32_t)((2ull << last) - (1ull << first));
    return policy_hide_bits(&line->policy->plan, hidden) || too_much_hidden(line);
}

static const char *const rule_names[] = {"default", "intercept", "passthrough", "control",
                                         "hide",    "unclaimed", "probes"};
static bool (*const rules[])(struct line *) = {rule_default, rule_intercept, rule_passthrough,
                                               rule_control, rule_hide,      rule_unclaimed,
                                               rule_probes};

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
