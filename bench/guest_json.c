/* SPDX-License-Identifier: MIT */
#include "guest_json.h"

#include "facts_json.h"
#include "text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const reason_names[PROBE_REASONS] = {
#define EXIT_REASON(number, symbol, name) [number] = name,
#include "../core/vmx/exit_reason_list.h"
#undef EXIT_REASON
};

static json_t *integer(uint64_t value)
{
    return json_integer((json_int_t)value);
}

/* Appends the sums to an object. */
static json_t *add_cost(json_t *json, const struct profile_cost *cost)
{
    json_object_set_new(json, "count", integer(cost->count));
    json_object_set_new(json, "ticks", integer(cost->ticks));
    json_object_set_new(json, "dispatch", integer(cost->dispatch));
    json_object_set_new(json, "handler", integer(cost->handler));
    json_object_set_new(json, "vmreads", integer(cost->vmreads));
    json_object_set_new(json, "vmwrites", integer(cost->vmwrites));
    json_object_set_new(json, "msr_accesses", integer(cost->msr_accesses));
    return json;
}

/* null: the core's handler does not say. */
static json_t *said(uint64_t value)
{
    return value == PROFILE_NOT_SAID ? json_null() : json_sprintf("0x%" PRIx64, value);
}

static json_t *reasons_json(const struct profile *profile)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < PROBE_REASONS; i++)
        if (profile->reasons[i].count)
            json_array_append_new(list,
                                  add_cost(json_pack("{s:I, s:s}", "reason", (json_int_t)i, "name",
                                                     reason_names[i] ? reason_names[i] : "unknown"),
                                           &profile->reasons[i]));
    return list;
}

static json_t *details_json(const struct profile *profile)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < PROFILE_DETAILS; i++) {
        const struct profile_detail *detail = &profile->details[i];
        if (!detail->used)
            continue;
        json_t *json = json_pack("{s:I, s:o}", "reason", (json_int_t)detail->reason, "detail",
                                 said(detail->detail));
        add_cost(json, &detail->cost);
        if (detail->wait.count)
            json_object_set_new(json, "waiting",
                                json_pack("{s:I, s:I, s:I}", "count",
                                          (json_int_t)detail->wait.count, "ticks",
                                          (json_int_t)detail->wait.ticks, "elapsed",
                                          (json_int_t)detail->wait.elapsed));
        json_array_append_new(list, json);
    }
    return list;
}

static json_t *addresses_json(const struct profile *profile)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < PROFILE_ADDRESSES; i++) {
        const struct profile_address *address = &profile->addresses[i];
        if (address->used)
            json_array_append_new(
                list, json_pack("{s:I, s:o, s:I, s:I}", "reason", (json_int_t)address->reason,
                                "rip", said(address->rip), "count", (json_int_t)address->count,
                                "ticks", (json_int_t)address->ticks));
    }
    return list;
}

/* Of each reason that occurred: a number a slice, up to the last that the run reached. */
static json_t *slices_json(const struct profile *profile)
{
    uint64_t last = (profile->tsc_end - profile->tsc_start) / profile->slice_width;
    json_t *reasons = json_object();

    if (last >= PROFILE_SLICES)
        last = PROFILE_SLICES - 1;
    for (unsigned reason = 0; reason < PROBE_REASONS; reason++) {
        json_t *counts, *ticks;
        char number[12];
        if (!profile->reasons[reason].count)
            continue;
        counts = json_array();
        ticks = json_array();
        for (uint64_t i = 0; i <= last; i++) {
            json_array_append_new(counts, integer(profile->slices[i].count[reason]));
            json_array_append_new(ticks, integer(profile->slices[i].ticks[reason]));
        }
        snprintf(number, sizeof(number), "%u", reason);
        json_object_set_new(reasons, number,
                            json_pack("{s:o, s:o}", "count", counts, "ticks", ticks));
    }
    return json_pack("{s:I, s:I, s:o}", "width", (json_int_t)profile->slice_width, "slices",
                     (json_int_t)last + 1, "reasons", reasons);
}

static json_t *profile_json(const struct profile *profile)
{
    json_t *json =
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "start",
                  (json_int_t)profile->tsc_start, "end", (json_int_t)profile->tsc_end, "guest",
                  (json_int_t)profile->guest, "host", (json_int_t)profile->host, "folding",
                  (json_int_t)profile->folding, "polls", (json_int_t)profile->polls, "lost",
                  (json_int_t)profile->lost, "out_of_order", (json_int_t)profile->out_of_order);
    json_object_set_new(json, "reasons", reasons_json(profile));
    json_object_set_new(json, "details", details_json(profile));
    json_object_set_new(json, "details_lost", add_cost(json_object(), &profile->details_lost));
    json_object_set_new(json, "addresses", addresses_json(profile));
    json_object_set_new(json, "addresses_lost", integer(profile->addresses_lost));
    json_object_set_new(json, "over_time", slices_json(profile));
    return json;
}

/* null: not measured. */
static json_t *transition_json(const struct profile_transition *transition)
{
    return transition->count
               ? json_pack("{s:I, s:I, s:I, s:I}", "n", (json_int_t)transition->count, "min",
                           (json_int_t)transition->least, "p50", (json_int_t)transition->median,
                           "max", (json_int_t)transition->most)
               : json_null();
}

static json_t *kept_json(const struct machine_result *result)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < result->kept_count; i++)
        json_array_append_new(list, json_pack("{s:o, s:o}", "first",
                                              json_sprintf("0x%x", result->kept[i].first), "last",
                                              json_sprintf("0x%x", result->kept[i].last)));
    return list;
}

static json_t *outcome_json(const struct policy *policy, const struct guest_outcome *outcome)
{
    static const char *const statuses[] = {"done", "failed", "refused", "unavailable"};
    const struct machine_result *result = outcome->result;
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s}", "policy", policy->plan.name, "sha256",
                             policy->sha256, "status", statuses[outcome->status], "ended",
                             outcome->ended, "reason", outcome->reason);

    json_object_set_new(json, "kind", result ? json_string(result->kind) : json_null());
    json_object_set_new(json, "memory_bytes", result ? integer(result->memory) : json_null());
    json_object_set_new(json, "controls",
                        outcome->has_profile ? fact_controls(&result->controls) : json_null());
    json_object_set_new(json, "kept_ports", outcome->has_profile ? kept_json(result) : json_null());
    json_object_set_new(json, "transition",
                        outcome->has_profile ? transition_json(&result->transition) : json_null());
    json_object_set_new(json, "profile",
                        outcome->has_profile ? profile_json(&result->profile) : json_null());
    return json;
}

static json_t *guest_json(const struct guest_wish *wish)
{
    static const char *const starts[PLAN_STARTS] = {NULL, "real", "protected", "long"};
    char image[SHA256_TEXT], initrd[SHA256_TEXT];

    sha256_text(wish->image_bytes.data, wish->image_bytes.size, image);
    sha256_text(wish->initrd_bytes.data, wish->initrd_bytes.size, initrd);
    return json_pack(
        "{s:o, s:s, s:o?, s:o, s:o?, s:s?, s:o, s:o?, s:f}", "image", fact_string(wish->image),
        "image_sha256", image, "initrd", wish->initrd ? fact_string(wish->initrd) : NULL,
        "initrd_sha256", wish->initrd ? json_string(initrd) : json_null(), "command_line",
        wish->command_line ? fact_string(wish->command_line) : NULL, "start", starts[wish->start],
        "address", wish->address ? json_sprintf("0x%" PRIx64, wish->address) : json_null(), "until",
        wish->until ? fact_string(wish->until) : NULL, "timeout", wish->timeout);
}

int guest_json_write(const char *directory, const struct run_facts *facts,
                     const struct guest_wish *wish, const struct policy *policies,
                     const struct guest_outcome *outcomes, size_t count)
{
    const struct results_header *header = NULL;
    const char *failed = "";
    json_t *profiles = json_array();

    for (size_t i = 0; i < count; i++) {
        json_array_append_new(profiles, outcome_json(&policies[i], &outcomes[i]));
        if (outcomes[i].has_header && !header)
            header = &outcomes[i].header;
        if (outcomes[i].status != GUEST_DONE && !*failed)
            failed = outcomes[i].reason;
    }
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "schema",
                  "exitmeter.profile/1", "status", *failed ? "failed" : "complete", "reason",
                  failed, "created", fact_created(facts->created), "command", fact_command(facts),
                  "target", facts->target->name, "unit", facts->target->unit, "host", fact_host(),
                  "machine", fact_machine(facts, header ? &header->machine : NULL), "build",
                  json_pack("{s:s, s:s, s:s}", "core_sha256", facts->core_sha256, "compiler",
                            header ? header->compiler : "", "emulator",
                            facts->emulator ? facts->emulator : ""),
                  "guest", guest_json(wish), "profiles", profiles);
    return fact_write(directory, json, JSON_INDENT(1));
}
