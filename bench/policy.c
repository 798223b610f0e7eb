/* SPDX-License-Identifier: MIT */
#include "policy.h"

#include "../probes/record.h"
#include "nearest.h"
#include "policy_bitmap.h"
#include "policy_control.h"
#include "policy_cpuid.h"
#include "text.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 8u
#define WORD_SIZE 64u

/* One line, cut into words. */
struct line {
    struct policy *policy;
    struct policy_error *error;
    unsigned number;
    unsigned words;
    char word[WORDS_MAX][WORD_SIZE];
    unsigned column[WORDS_MAX + 1]; /* of each word, and of the end of the line */
};

/* Notes an error at a word of the line; takes the message. Returns false. */
static bool wrong(struct line *line, unsigned word, char *message)
{
    line->error->line = line->number;
    line->error->column = line->column[word < line->words ? word : line->words];
    line->error->message = message;
    return false;
}

/* Index of a word among names; else an error that names the nearest, and -1. */
static int choose(struct line *line, unsigned word, const char *what, const char *const *names,
                  size_t count)
{
    if (word >= line->words) {
        wrong(line, word, text("the line ends where %s should follow", what));
        return -1;
    }
    for (size_t i = 0; i < count; i++)
        if (strcmp(line->word[word], names[i]) == 0)
            return (int)i;
    char *hint = nearest_hint(line->word[word], names, count);
    wrong(line, word, text("'%s' is not %s%s", line->word[word], what, hint));
    free(hint);
    return -1;
}

static bool nothing_after(struct line *line, unsigned words)
{
    if (line->words <= words)
        return true;
    return wrong(line, words, text("'%s' is one word too many", line->word[words]));
}

static bool parse_number(const char **from, unsigned long long *value)
{
    char *end;
    if (!isdigit((unsigned char)**from))
        return false;
    errno = 0;
    *value = strtoull(*from, &end, 0);
    *from = end;
    return errno == 0;
}

/* N or N-M up to limit. */
static bool parse_range(struct line *line, unsigned word, unsigned limit, unsigned *first,
                        unsigned *last)
{
    if (word >= line->words)
        return wrong(line, word,
                     text("the line ends where a number N or a range N-M should follow"));
    const char *at = line->word[word];
    unsigned long long low, high;
    bool valid = parse_number(&at, &low);
    high = low;
    if (valid && *at == '-') {
        at++;
        valid = parse_number(&at, &high);
    }
    if (!valid || *at)
        return wrong(line, word, text("'%s' is not a number N or a range N-M", line->word[word]));
    if (high > limit)
        return wrong(line, word, text("0x%llx is beyond the last, 0x%x", high, limit));
    if (low > high)
        return wrong(line, word, text("the range %s runs backwards", line->word[word]));
    *first = (unsigned)low;
    *last = (unsigned)high;
    return true;
}

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
    int space = choose(line, 1, SPACE_WORDS, spaces, SPACES);
    int action = space < 0 ? -1 : choose(line, 2, "passthrough or intercept", actions, 2);
    if (action < 0 || !nothing_after(line, 3))
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

static bool msr_rule(struct line *line, bool intercept)
{
    static const char *const accesses[] = {"r", "w", "rw"};
    unsigned first, last;
    int access = 2;
    if (!parse_range(line, 2, UINT32_MAX, &first, &last))
        return false;
    if (line->words > 3 && (access = choose(line, 3, "r, w or rw", accesses, 3)) < 0)
        return false;
    if (!nothing_after(line, 4))
        return false;
    /* The two ranges with bits do not touch, so a range that leaves one has its ends apart. */
    bool all_have_bits = msr_has_bits(first) && msr_has_bits(last) && last - first < MSR_RANGE_SIZE;
    if (!intercept && !all_have_bits)
        return wrong(
            line, 2,
            text("MSRs outside 0-0x1fff and 0xc0000000-0xc0001fff exit under every policy; "
                 "they cannot pass through"));
    policy_set_msrs(&line->policy->plan, first, last, access != 1, access != 0, intercept);
    return true;
}

static bool exception_rule(struct line *line, bool intercept)
{
    unsigned first, last;
    if (line->words > 2 && !isdigit((unsigned char)line->word[2][0])) {
        int named = choose(line, 2, "an exception", exception_names, EXCEPTION_NAMES);
        if (named < 0)
            return false;
        first = last = exception_vectors[named];
    } else if (!parse_range(line, 2, EXCEPTION_LAST, &first, &last)) {
        return false;
    }
    if (!nothing_after(line, 3))
        return false;
    for (unsigned vector = first; !intercept && vector <= last; vector++)
        if (EXCEPTIONS_THAT_ALWAYS_EXIT >> vector & 1)
            return wrong(line, 2,
                         text("NMIs and machine checks (2 and 18) exit under every policy; they "
                              "cannot pass through"));
    policy_set_exceptions(&line->policy->plan, first, last, intercept);
    return true;
}

/* Bit N or bits N-M of a control register. */
static bool register_rule(struct line *line, enum space space, bool intercept)
{
    uint32_t *mask = mask_of(line, space);
    unsigned first, last;
    if (!parse_range(line, 2, 31, &first, &last) || !nothing_after(line, 3))
        return false;
    uint32_t bits = (uint32_t)((2ull << last) - (1ull << first));
    *mask = intercept ? *mask | bits : *mask & ~bits;
    return true;
}

static bool access_rule(struct line *line, bool intercept)
{
    unsigned first, last;
    int space = choose(line, 1, SPACE_WORDS, spaces, SPACES);
    if (space < 0)
        return false;
    if (space == SPACE_MSR)
        return msr_rule(line, intercept);
    if (space == SPACE_EXCEPTION)
        return exception_rule(line, intercept);
    if (space == SPACE_CR0 || space == SPACE_CR4)
        return register_rule(line, (enum space)space, intercept);
    if (!parse_range(line, 2, UINT16_MAX, &first, &last) || !nothing_after(line, 3))
        return false;
    policy_set_ports(&line->policy->plan, (uint16_t)first, (uint16_t)last, intercept);
    return true;
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
    int control = choose(line, 1, "a control", names, count);
    int state = control < 0
                    ? -1
                    : choose(line, 2, "on, off or where-offered", states, POLICY_CONTROL_STATES);
    if (state < 0 || !nothing_after(line, 3))
        return false;
    policy_control_set(&line->policy->plan, (size_t)control, (enum policy_control_state)state);
    return true;
}

static bool rule_unclaimed(struct line *line)
{
    static const char *const kinds[PLAN_PORTS_KINDS] = {"forward", "ones"};
    int space = choose(line, 1, "io", &spaces[SPACE_IO], 1);
    int kind = space < 0 ? -1 : choose(line, 2, "forward or ones", kinds, PLAN_PORTS_KINDS);
    if (kind < 0 || !nothing_after(line, 3))
        return false;
    line->policy->plan.unclaimed_ports = (uint32_t)kind;
    return true;
}

static bool rule_probes(struct line *line)
{
    int level = choose(line, 1, "off, counts, stamps, full or hardware", probe_level_names,
                       PROBE_LEVELS_PLAIN);
    if (level < 0 || !nothing_after(line, 2))
        return false;
    line->policy->probe_level = (unsigned)level;
    return true;
}

static bool too_much_hidden(struct line *line)
{
    return wrong(line, 2, text("a policy hides bits of at most %u outputs", PLAN_CPUID_HIDDEN));
}

/* LEAF or LEAF:SUBLEAF. */
static bool parse_leaf(struct line *line, unsigned word, struct plan_cpuid_hidden *hidden)
{
    const char *at = line->word[word];
    unsigned long long leaf = 0, subleaf = PLAN_ANY_SUBLEAF;
    bool valid = parse_number(&at, &leaf);
    if (valid && *at == ':') {
        at++;
        valid = parse_number(&at, &subleaf) && subleaf < PLAN_ANY_SUBLEAF;
    }
    if (!valid || *at || leaf > UINT32_MAX)
        return wrong(line, word,
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

    if (choose(line, 1, "cpuid", what, 1) < 0)
        return false;
    if (line->words < 3 || !isdigit((unsigned char)line->word[2][0])) {
        int feature = choose(line, 2, "a feature, or a leaf by number", names, count);
        if (feature < 0 || !nothing_after(line, 3))
            return false;
        return policy_hide_feature(&line->policy->plan, (size_t)feature) || too_much_hidden(line);
    }
    if (!parse_leaf(line, 2, &hidden))
        return false;
    int output = choose(line, 3, "eax, ebx, ecx or edx", outputs, 4);
    if (output < 0 || !parse_range(line, 4, 31, &first, &last) || !nothing_after(line, 5))
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

/* Cuts the line into words; columns count bytes. */
static bool cut(struct line *line, const char *from, const char *end)
{
    const char *start = from, *comment = memchr(from, '#', (size_t)(end - from));
    end = comment ? comment : end;
    line->words = 0;
    for (;;) {
        while (from < end && isspace((unsigned char)*from))
            from++;
        line->column[line->words] = (unsigned)(from - start) + 1;
        if (from == end)
            return true;
        const char *word = from;
        while (from < end && !isspace((unsigned char)*from))
            from++;
        size_t length = (size_t)(from - word);
        if (line->words == WORDS_MAX || length >= WORD_SIZE || memchr(word, '\0', length))
            return wrong(line, line->words, text("this is not part of any rule"));
        memcpy(line->word[line->words], word, length);
        line->word[line->words++][length] = '\0';
        line->column[line->words] = (unsigned)(from - start) + 1;
    }
}

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
        if (!cut(&line, at, line_end))
            return -1;
        if (line.words > 0) {
            int rule = choose(&line, 0, "a rule", rule_names, rule_count);
            if (rule < 0 || !rules[rule](&line))
                return -1;
        }
        at = feed ? feed + 1 : end;
    }
    seal(policy);
    return 0;
}
