/* SPDX-License-Identifier: MIT */
#include "notes.h"

#include "facts_json.h"
#include "text.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_MOST 4096u

/*
 * The options that notes can hold: no others are taken from them, so that nothing from outside can
 * name files. {key in the notes, option in front of the value}
 */
static const struct {
    const char *key, *option;
} kept[] = {
    {"samples", "--samples="},
    {"rounds", "--rounds="},
    {"cpus", "--cpus="},
    {"host_timer", "--host-timer="},
    {"probes", "--probes="},
    {"pmu", "--pmu="},
    {"pmu_model", "--pmu-model="},
    {"filter", "--benchmark_filter="},
    {"repetitions", "--benchmark_repetitions="},
    {"random_interleaving", "--benchmark_enable_random_interleaving="},
};

static void note(json_t *options, const char *key, const char *value)
{
    if (value)
        json_object_set_new(options, key, fact_string(value));
}

static void note_number(json_t *options, const char *key, uint64_t number)
{
    char *value = text("%" PRIu64, number);
    note(options, key, value);
    free(value);
}

static json_t *options_json(const struct run *run)
{
    const struct run_options *from = &run->options;
    json_t *options = json_object(), *guests = json_array();

    for (char *const *guest = from->guests; guest && *guest; guest++)
        json_array_append_new(guests, fact_string(*guest));
    note_number(options, "samples", from->samples);
    note_number(options, "rounds", from->rounds);
    note_number(options, "cpus", from->cpus);
    if (from->host_timer)
        note_number(options, "host_timer", from->host_timer);
    note(options, "probes", from->probes);
    note(options, "pmu", from->pmu);
    note(options, "pmu_model", from->pmu_model);
    note(options, "filter", *from->gb.filter ? from->gb.filter : NULL);
    note_number(options, "repetitions", from->gb.repetitions);
    note(options, "random_interleaving", from->gb.random_interleaving ? "true" : "false");
    json_object_set_new(options, "guests", guests);
    return options;
}

static char *one_line(const char *const *words, size_t count)
{
    char *line = text("%s", "");
    for (size_t i = 0; i < count; i++) {
        char *longer = text("%s%s%s", line, i ? " " : "", words[i]);
        free(line);
        line = longer;
    }
    return line;
}

char *notes_make(const struct run *run, uint32_t flags)
{
    json_t *levels = json_array();
    char *command = one_line(run->facts.command, run->facts.command_count);

    for (size_t i = 0; i < run->experiment.policy_count; i++)
        json_array_append_new(levels, json_integer(run->experiment.policies[i].probe_level));
    json_t *json = json_pack(
        "{s:s, s:o, s:s, s:s, s:b, s:o, s:I, s:I, s:o, s:o}", "schema", NOTES_SCHEMA, "created",
        fact_created(run->facts.created), "core_sha256", run->facts.core_sha256, "guests_sha256",
        run->facts.guests_sha256, "guest_only", run->facts.target == &target_vm, "command",
        fact_string(command), "flags", (json_int_t)flags, "serial_passes",
        (json_int_t)run->experiment.serial_passes, "levels", levels, "options", options_json(run));
    char *dump = json ? json_dumps(json, JSON_COMPACT) : NULL;
    free(command);
    json_decref(json);
    return dump ? dump : text("%s", "");
}

/* A string of the notes, to be freed; NULL if it is not there. */
static char *taken(const json_t *json, const char *key)
{
    const char *value = json_string_value(json_object_get(json, key));
    return value ? text("%s", value) : NULL;
}

static bool taken_number(const json_t *json, const char *key, uint32_t *number)
{
    const json_t *value = json_object_get(json, key);
    json_int_t is = json_integer_value(value);
    *number = (uint32_t)is;
    return json_is_integer(value) && is >= 0 && is <= UINT32_MAX;
}

static bool take_options(const json_t *options, struct notes *notes)
{
    const json_t *guests = json_object_get(options, "guests");
    size_t count = 0, all = json_array_size(guests);

    if (!json_is_object(options) || !json_is_array(guests) || all > OPTIONS_MOST)
        return false;
    notes->options = zeroed(sizeof(kept) / sizeof(*kept) + all + 1, sizeof(char *));
    for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
        const json_t *value = json_object_get(options, kept[i].key);
        if (value && !json_is_string(value))
            return false;
        if (value)
            notes->options[count++] = text("%s%s", kept[i].option, json_string_value(value));
    }
    for (size_t i = 0; i < all; i++) {
        const char *guest = json_string_value(json_array_get(guests, i));
        if (!guest)
            return false;
        notes->options[count++] = text("--guest=%s", guest);
    }
    return true;
}

static bool take_levels(const json_t *levels, struct notes *notes)
{
    notes->policy_count = json_array_size(levels);
    if (!json_is_array(levels) || notes->policy_count > PLAN_POLICIES_MAX)
        return false;
    notes->levels = zeroed(notes->policy_count, sizeof(*notes->levels));
    for (size_t i = 0; i < notes->policy_count; i++) {
        const json_t *level = json_array_get(levels, i);
        json_int_t is = json_integer_value(level);
        if (!json_is_integer(level) || is < 0 || is >= PROBE_LEVELS)
            return false;
        notes->levels[i] = (unsigned)is;
    }
    return true;
}

int notes_read(const char *data, size_t size, struct notes *notes, char **error)
{
    json_error_t where;
    json_t *json = json_loadb(data, size, 0, &where);
    char *schema = taken(json, "schema");

    *notes = (struct notes){0};
    *error = NULL;
    if (!json)
        *error = text("its notes are no JSON: line %d: %s", where.line, printable(where.text));
    else if (!schema || strcmp(schema, NOTES_SCHEMA) != 0)
        *error = text("its notes are of schema %s; this exitmeter reads " NOTES_SCHEMA,
                      schema ? printable(schema) : "(none)");
    else {
        notes->created = taken(json, "created");
        notes->core_sha256 = taken(json, "core_sha256");
        notes->guests_sha256 = taken(json, "guests_sha256");
        notes->command = taken(json, "command");
        notes->guest_only = json_is_true(json_object_get(json, "guest_only"));
        if (!notes->created || !notes->core_sha256 ||
            strlen(notes->core_sha256) != SHA256_TEXT - 1 || !notes->guests_sha256 ||
            strlen(notes->guests_sha256) != SHA256_TEXT - 1 || !notes->command ||
            !taken_number(json, "flags", &notes->flags) ||
            !taken_number(json, "serial_passes", &notes->serial_passes) ||
            !take_levels(json_object_get(json, "levels"), notes) ||
            !take_options(json_object_get(json, "options"), notes))
            *error = text("its notes lack what a run needs, or have it in another form");
    }
    free(schema);
    json_decref(json);
    if (*error)
        notes_free(notes);
    return *error ? -1 : 0;
}

void notes_free(struct notes *notes)
{
    for (char **option = notes->options; option && *option; option++)
        free(*option);
    free(notes->options);
    free(notes->levels);
    free(notes->created);
    free(notes->core_sha256);
    free(notes->guests_sha256);
    free(notes->command);
    *notes = (struct notes){0};
}
