/* SPDX-License-Identifier: MIT */
#include "policy_hide.h"

#include "policy_cpuid.h"
#include "text.h"

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

bool rule_hide(struct line *line)
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
