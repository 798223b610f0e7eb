/* SPDX-License-Identifier: MIT */
#include "policy_diff.h"

#include "policy_bitmap.h"
#include "policy_register.h"
#include "policy_runs.h"
#include "policy_show.h"

#include <stdlib.h>
#include <string.h>

struct pair {
    const struct plan_policy *passes, *exits;
};

static bool exits_in(const struct plan_policy *plan, enum number_space space, uint32_t number,
                     bool write)
{
    return space == NUMBERS_MSR ? policy_msr_exits(plan, number, write)
                                : policy_io_exits(plan, number, 1);
}

static bool only_one(const void *context, enum number_space space, uint32_t number, bool write,
                     uint32_t *last)
{
    const struct pair *pair = context;
    (void)last;
    return !exits_in(pair->passes, space, number, write) &&
           exits_in(pair->exits, space, number, write);
}

static json_t *item(const char *space, uint32_t first, uint32_t last, const char *name,
                    const char *access, const char *in)
{
    json_t *new = json_pack("{s:s, s:I, s:I, s:s, s:s}", "what", space, "first", (json_int_t)first,
                            "last", (json_int_t)last, "access", access, "in", in);
    json_object_set_new(new, "name", name ? json_string(name) : json_null());
    return new;
}

static void add_ranges(json_t *list, const struct pair *pair, enum number_space space,
                       const char *in)
{
    struct access_run *runs;
    size_t count = runs_find(space, 0, UINT32_MAX, only_one, pair, &runs);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list,
                              item(space == NUMBERS_MSR ? "msr" : "io", runs[i].first, runs[i].last,
                                   name_of_range(space, runs[i].first, runs[i].last),
                                   access_text(runs[i].access), in));
    free(runs);
}

static void add_exceptions(json_t *list, const struct pair *pair, const char *in)
{
    uint32_t only = pair->exits->exception_bitmap & ~pair->passes->exception_bitmap;
    for (unsigned vector = 0; vector < 32; vector++)
        if (only >> vector & 1)
            json_array_append_new(
                list, item("exception", vector, vector, exception_name(vector), "", in));
}

/* A bit an item: writes that change it. */
static void add_masks(json_t *list, const struct pair *pair, const char *in)
{
    for (int i = 0; i < POLICY_REGISTERS; i++) {
        enum policy_register of = (enum policy_register)i;
        uint32_t only =
            policy_register_mask(pair->exits, of) & ~policy_register_mask(pair->passes, of);
        for (unsigned bit = 0; bit < 32; bit++)
            if (only >> bit & 1)
                json_array_append_new(
                    list, item(register_names[of], bit, bit, register_bit_name(of, bit), "w", in));
    }
}

static char *settings(const struct policy *policy)
{
    char *whole;
    size_t size;
    FILE *to = open_memstream(&whole, &size);
    if (!to)
        abort(); /* out of memory */
    policy_write_settings(to, policy);
    fclose(to);
    return whole;
}

/* Lines of one that are not among those of the other. */
static void add_rules(json_t *list, const char *of, const char *other, const char *in)
{
    for (const char *line = of, *feed; (feed = strchr(line, '\n')); line = feed + 1) {
        size_t length = (size_t)(feed - line) + 1;
        const char *at = other;
        while (at && *at && strncmp(at, line, length) != 0) {
            at = strchr(at, '\n');
            at += at != NULL;
        }
        if (at && *at)
            continue;
        json_array_append_new(list, json_pack("{s:s%, s:s}", "rule", line, length - 1, "in", in));
    }
}

json_t *policy_diff(const struct policy *a, const struct policy *b)
{
    const struct pair in_a = {&a->plan, &b->plan}, in_b = {&b->plan, &a->plan};
    json_t *passes = json_array(), *rules = json_array();
    char *rules_of_a = settings(a), *rules_of_b = settings(b);

    for (int space = 0; space < NUMBER_SPACES; space++) {
        add_ranges(passes, &in_a, (enum number_space)space, "a");
        add_ranges(passes, &in_b, (enum number_space)space, "b");
    }
    add_exceptions(passes, &in_a, "a");
    add_exceptions(passes, &in_b, "b");
    add_masks(passes, &in_a, "a");
    add_masks(passes, &in_b, "b");
    add_rules(rules, rules_of_a, rules_of_b, "a");
    add_rules(rules, rules_of_b, rules_of_a, "b");
    free(rules_of_a);
    free(rules_of_b);
    bool same = json_array_size(passes) == 0 && json_array_size(rules) == 0;
    return json_pack("{s:s, s:s, s:s, s:b, s:o, s:o}", "schema", "exitmeter.policy-diff/1", "a",
                     a->plan.name, "b", b->plan.name, "same", same, "passes", passes, "rules",
                     rules);
}
