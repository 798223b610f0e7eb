/* SPDX-License-Identifier: MIT */
#include "run_listing.h"

#include "run_sums.h"
#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SCHEMA_BENCHMARKS "exitmeter.run/"
#define SCHEMA_GUEST      "exitmeter.profile/"
#define PARTIAL           ".partial-"

static const char unfinished[] =
    "a run that is being made, or was killed; of the latter nothing can be used: remove it";

static bool starts_with(const char *word, const char *with)
{
    return strncmp(word, with, strlen(with)) == 0;
}

/* What a file says may hold anything, and is shown on terminals. */
static json_t *safe(const char *string)
{
    char *copy = printable(text("%s", string));
    json_t *json = json_string(copy);
    free(copy);
    return json;
}

/* One that there is nothing else to say of. */
static json_t *no_run(const char *path, const char *status, const char *reason)
{
    return json_pack("{s:o, s:s, s:o}", "name", safe(path), "status", status, "reason",
                     safe(reason));
}

static json_t *damaged_by(const char *path, char *reason)
{
    json_t *item = no_run(path, "damaged", reason);
    free(reason);
    return item;
}

/* How many of the objects have this status. */
static json_int_t count_status(const json_t *list, const char *status)
{
    json_int_t count = 0;
    size_t index;
    json_t *item;
    json_array_foreach(list, index, item)
    {
        const char *its = json_string_value(json_object_get(item, "status"));
        count += its && strcmp(its, status) == 0;
    }
    return count;
}

/* The strings at the key, in a new list. */
static json_t *names_of(const json_t *list, const char *key)
{
    json_t *names = json_array(), *item;
    size_t index;
    json_array_foreach(list, index, item)
    {
        json_t *name = json_object_get(item, key);
        if (json_is_string(name))
            json_array_append_new(names, safe(json_string_value(name)));
    }
    return names;
}

/* NULL if anything is missing. */
static json_t *describe(const char *path, const json_t *document, bool guest)
{
    const char *cpu_model;
    json_t *jobs = json_object_get(document, guest ? "profiles" : "jobs");
    json_t *policies = guest ? jobs : json_object_get(document, "policies");
    const char *created, *target, *status, *reason;

    if (json_unpack((json_t *)(uintptr_t)document, "{s:s, s:s, s:s, s:s, s:{s:s}}", "created",
                    &created, "target", &target, "status", &status, "reason", &reason, "machine",
                    "cpu_model", &cpu_model) != 0 ||
        !json_is_array(jobs) || !json_is_array(policies))
        return NULL;
    return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:o, s:o}", "name",
                     safe(path), "kind", guest ? "guest" : "benchmarks", "created", safe(created),
                     "target", safe(target), "cpu_model", safe(cpu_model), "policies",
                     names_of(policies, guest ? "policy" : "name"), "done",
                     count_status(jobs, "done"), "skipped",
                     count_status(jobs, guest ? "unavailable" : "skipped"), "failed",
                     count_status(jobs, "failed"), "not_run", count_status(jobs, "not_run"),
                     "status", safe(status), "reason", safe(reason));
}

json_t *run_listing(const char *path, bool verify)
{
    char *file = text("%s/run.json", path);
    json_error_t error;
    json_t *document = json_load_file(file, 0, &error), *item = NULL;
    free(file);
    if (!document)
        return damaged_by(path, text("run.json: line %d: %s", error.line, error.text));
    const char *schema = json_string_value(json_object_get(document, "schema"));
    bool guest = schema && starts_with(schema, SCHEMA_GUEST);
    char *wrong = NULL;
    if (!schema || (!guest && !starts_with(schema, SCHEMA_BENCHMARKS)))
        wrong = text("run.json: schema %s is not one of exitmeter's", schema ? schema : "missing");
    else if (!(item = describe(path, document, guest)))
        wrong = text("run.json: a key is missing that every run has");
    else
        wrong = run_sums_check(path, verify);
    json_decref(document);
    if (!wrong)
        return item;
    json_decref(item);
    return damaged_by(path, wrong);
}

static bool is_directory(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool is_run(const char *path)
{
    char *file = text("%s/run.json", path);
    struct stat status;
    bool found = lstat(file, &status) == 0;
    free(file);
    return found;
}

static int visible(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

/* Adds the runs in a directory, and in those in it to the depth. Returns -1 if it is unreadable. */
static int add_below(const char *path, bool verify, int depth, json_t *list)
{
    struct dirent **entries;
    int count = scandir(path, &entries, visible, alphasort);
    if (count < 0)
        return -1;
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        char *below = text("%s%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/", name);
        if (!is_directory(below))
            ; /* a report, or anything */
        else if (*name == '.' && strstr(name, PARTIAL))
            json_array_append_new(list, no_run(below, "unfinished", unfinished));
        else if (is_run(below))
            json_array_append_new(list, run_listing(below, verify));
        else if (depth > 0 && *name != '.')
            add_below(below, verify, depth - 1, list);
        free(below);
        free(entries[i]);
    }
    free(entries);
    return 0;
}

json_t *run_listings(const char *path, bool verify)
{
    json_t *list = json_array();
    if (is_run(path))
        json_array_append_new(list, run_listing(path, verify));
    else if (add_below(path, verify, 1, list) < 0) {
        int saved = errno;
        json_decref(list);
        errno = saved;
        return NULL;
    }
    return list;
}
