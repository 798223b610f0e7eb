/* SPDX-License-Identifier: MIT */
#include "policy_derive_json.h"

#include "facts_json.h"

static json_t *integer(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *item_json(const struct derive_item *item)
{
    static const char *const verdicts[] = {"passes", "dangerous", "stays"};
    json_t *json =
        json_pack("{s:s, s:s, s:o, s:o, s:{s:o, s:o, s:o}, s:s?, s:s?, s:s?}", "item", item->what,
                  "verdict", verdicts[item->verdict], "exits", integer(item->count), "ticks",
                  integer(item->ticks), "waiting", "count", integer(item->waiting.count), "ticks",
                  integer(item->waiting.ticks), "elapsed", integer(item->waiting.elapsed),
                  "severity", item->is_audited ? severity_names[item->severity] : NULL, "why",
                  item->why, "source", item->source);

    if (item->verdict == DERIVE_PASSES) {
        json_object_set_new(json, "saves", integer(item->saves));
        json_object_set_new(json, "saves_waiting", integer(item->saves_waiting));
    }
    return json;
}

static json_t *totals_json(const struct derive_totals *totals)
{
    return json_pack("{s:o, s:o, s:o}", "exits", integer(totals->exits), "exit_ticks",
                     integer(totals->exit_ticks), "run_time", integer(totals->run_time));
}

json_t *policy_derive_json(const char *path, const struct derive_run *run,
                           const struct derived *derived)
{
    json_t *items = json_array();
    for (size_t i = 0; i < derived->count; i++)
        json_array_append_new(items, item_json(&derived->items[i]));
    json_t *json = json_pack(
        "{s:s, s:o, s:s, s:o, s:s, s:s, s:o, s:o}", "schema", "exitmeter.policy-derive/1", "run",
        fact_string(path), "policy", run->policy.plan.name, "image", fact_string(run->image),
        "unit", run->unit, "max_severity", severity_names[derived->most], "transition",
        run->has_transition ? integer(run->transition) : json_null(), "instruction",
        derived->instruction ? integer(derived->instruction) : json_null());
    const struct {
        const char *key;
        uint64_t value;
    } numbers[] = {
        {"saves", derived->saves},
        {"saves_waiting", derived->saves_waiting},
        {"polls", derived->polls},
        {"poll_ticks", derived->poll_ticks},
        {"more_polls", derived->more_polls},
        {"unlisted", run->unlisted},
        {"unlisted_ticks", run->unlisted_ticks},
        {"uncounted", run->uncounted},
    };
    json_object_set_new(json, "before", totals_json(&derived->before));
    json_object_set_new(json, "predicted", totals_json(&derived->after));
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        json_object_set_new(json, numbers[i].key, integer(numbers[i].value));
    json_object_set_new(json, "ended", run->ended ? json_string(run->ended) : json_null());
    json_object_set_new(json, "text", json_string(derived->text));
    json_object_set_new(json, "items", items);
    return json;
}
