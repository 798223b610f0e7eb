/* SPDX-License-Identifier: MIT */
#include "policy_derive_read.h"

#include "json_node.h"
#include "policy_derive_base.h"
#include "text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SCHEMA     "exitmeter.profile/1"
#define BENCHMARKS "exitmeter.run/"
#define TICKS      "ticks"

/*
 * More than any run has. Sums over PROFILE_DETAILS or PROBE_REASONS entries, and those of exits by
 * a transition each, fit into 63 bits.
 */
#define TICKS_MOST      (1ull << 51)
#define COUNT_MOST      (1ull << 36)
#define TRANSITION_MOST (1ull << 20)

static void read_waiting(const struct json_node *detail, struct derive_exits *exits)
{
    if (json_is_absent(detail, "waiting"))
        return;
    struct json_node waiting = json_member(detail, "waiting");
    struct json_node count = json_member(&waiting, "count"), ticks = json_member(&waiting, "ticks"),
                     elapsed = json_member(&waiting, "elapsed");
    exits->waiting =
        (struct profile_wait){json_count(&count, exits->count), json_count(&ticks, exits->ticks),
                              json_count(&elapsed, TICKS_MOST)};
}

static void read_detail(const struct json_node *node, struct derive_exits *exits)
{
    struct json_node reason = json_member(node, "reason"), detail = json_member(node, "detail"),
                     count = json_member(node, "count"), ticks = json_member(node, "ticks");

    *exits = (struct derive_exits){
        .reason = (unsigned)json_count(&reason, PROBE_REASONS - 1),
        .is_said = !json_is_null(detail.value),
        .count = json_count(&count, COUNT_MOST),
        .ticks = json_count(&ticks, TICKS_MOST),
    };
    if (exits->is_said)
        exits->detail = json_bits(&detail);
    read_waiting(node, exits);
}

static uint64_t number(const struct json_node *object, const char *key, uint64_t most)
{
    struct json_node member = json_member(object, key);
    return json_count(&member, most);
}

/* The lists must be of the same exits. */
static void check_sums(const struct json_node *profile, const struct derive_run *run)
{
    struct json_node reasons = json_member(profile, "reasons");
    size_t length = json_length(&reasons);
    uint64_t count = run->unlisted, ticks = run->unlisted_ticks, by_reason = 0;

    if (length > PROBE_REASONS)
        json_wrong(&reasons, text("more than there are"));
    for (size_t i = 0; i < length && !profile->reader->error; i++) {
        struct json_node entry = json_element(&reasons, i);
        by_reason += number(&entry, "count", COUNT_MOST);
    }
    for (size_t i = 0; i < run->count; i++) {
        count += run->list[i].count;
        ticks += run->list[i].ticks;
    }
    if (profile->reader->error)
        return;
    if (count != by_reason)
        json_wrong(profile, text("damaged: its details are %" PRIu64 " exits, its reasons %" PRIu64,
                                 count, by_reason));
    else if (ticks != run->host)
        json_wrong(profile, text("damaged: its details are %" PRIu64 " ticks of the host, and it "
                                 "had %" PRIu64,
                                 ticks, run->host));
}

static void read_profile(const struct json_node *profile, struct derive_run *run)
{
    struct json_node details = json_member(profile, "details"),
                     lost = json_member(profile, "details_lost");

    run->guest = number(profile, "guest", TICKS_MOST);
    run->host = number(profile, "host", TICKS_MOST);
    run->uncounted =
        number(profile, "lost", COUNT_MOST) + number(profile, "out_of_order", COUNT_MOST);
    run->unlisted = number(&lost, "count", COUNT_MOST);
    run->unlisted_ticks = number(&lost, "ticks", TICKS_MOST);
    run->count = json_length(&details);
    if (run->count > PROFILE_DETAILS) {
        json_wrong(&details, text("more than a profile has"));
        run->count = 0;
    }
    run->list = zeroed(run->count + 1, sizeof(*run->list));
    run->exits = run->unlisted;
    for (size_t i = 0; i < run->count && !profile->reader->error; i++) {
        struct json_node detail = json_element(&details, i);
        read_detail(&detail, &run->list[i]);
        run->exits += run->list[i].count;
    }
    check_sums(profile, run);
}

static void read_kept(const struct json_node *outcome, struct derive_run *run)
{
    struct json_node kept = json_member(outcome, "kept_ports");
    size_t length = json_length(&kept);

    if (length > MACHINE_KEPT)
        json_wrong(&kept, text("more than the core keeps"));
    for (size_t i = 0; i < length && !outcome->reader->error; i++) {
        struct json_node range = json_element(&kept, i), first = json_member(&range, "first"),
                         last = json_member(&range, "last");
        uint64_t from = json_bits(&first), to = json_bits(&last);
        if (from > to || to > UINT16_MAX)
            json_wrong(&range, text("no range of ports"));
        run->kept[run->kept_count++] = (struct machine_kept){(uint16_t)from, (uint16_t)to};
    }
}

static void read_outcome(const struct json_node *outcome, struct derive_run *run)
{
    struct json_node profile = json_member(outcome, "profile"),
                     status = json_member(outcome, "status"), why = json_member(outcome, "reason");

    read_profile(&profile, run);
    read_kept(outcome, run);
    if (!json_is_absent(outcome, "transition")) {
        struct json_node transition = json_member(outcome, "transition");
        run->transition = number(&transition, "p50", TRANSITION_MOST);
        run->has_transition = true;
    }
    if (strcmp(json_text(&status), "done") != 0)
        run->ended = printable(text("%s", json_text(&why)));
}

/* The profile of that name; or the first under which everything exits. False, with the error. */
static bool choose(const char *path, const struct json_node *profiles, const char *wanted,
                   struct derive_run *run, size_t *index)
{
    size_t length = json_length(profiles);
    char *names = text("%s", ""), *wrong = NULL;
    bool found = false;

    for (size_t i = 0; i < length && !found && !profiles->reader->error; i++) {
        struct json_node outcome = json_element(profiles, i),
                         name = json_member(&outcome, "policy"),
                         sha256 = json_member(&outcome, "sha256");
        const char *called = json_text(&name), *sum = json_text(&sha256);
        char *longer = text("%s%s%s", names, *names ? ", " : "", called);
        free(names);
        names = longer;
        if (profiles->reader->error || (wanted && strcmp(wanted, called) != 0))
            continue;
        free(wrong);
        wrong = derive_base(path, called, sum, &run->policy);
        found = !wrong;
        *index = i;
    }
    if (!found && wanted && !wrong)
        wrong = text("%s: no profile under %s; it has %s", path, wanted, names);
    if (!found && !wrong)
        wrong = text("%s: no profile in it", path);
    if (!found && !profiles->reader->error)
        profiles->reader->error = printable(wrong);
    else
        free(wrong);
    free(names);
    return found && !profiles->reader->error;
}

static void read_top(const char *path, const struct json_node *top, const char *policy,
                     struct derive_run *run)
{
    struct json_node schema = json_member(top, "schema");
    const char *found = json_text(&schema);
    size_t index = 0;

    if (strncmp(found, BENCHMARKS, strlen(BENCHMARKS)) == 0) {
        top->reader->error = text("%s: a run of benchmarks, which has no profile; `exitmeter run "
                                  "--image` leaves one",
                                  path);
        return;
    }
    if (!top->reader->error && strcmp(found, SCHEMA) != 0)
        json_wrong(&schema, text("\"" SCHEMA "\" is needed"));
    if (top->reader->error)
        return;
    struct json_node profiles = json_member(top, "profiles"), unit = json_member(top, "unit"),
                     guest = json_member(top, "guest"), image = json_member(&guest, "image");
    run->unit = printable(text("%s", json_text(&unit)));
    run->image = printable(text("%s", json_text(&image)));
    run->is_exact = strcmp(run->unit, TICKS) == 0;
    if (!choose(path, &profiles, policy, run, &index))
        return;
    struct json_node outcome = json_element(&profiles, index);
    if (json_is_absent(&outcome, "profile"))
        json_wrong(&outcome,
                   text("the guest's run left no profile under %s", run->policy.plan.name));
    else
        read_outcome(&outcome, run);
}

int derive_read(const char *path, const char *policy, struct derive_run *run, char **error)
{
    char *file = text("%s/run.json", path);
    struct json_reader reader = {.file = file};
    struct stat status;

    *run = (struct derive_run){0};
    if (stat(path, &status) < 0) {
        reader.error = text("%s: %s", path, strerror(errno));
    } else {
        struct json_node top;
        json_t *document = json_reader_load(&reader, &top);
        if (!reader.error)
            read_top(path, &top, policy, run);
        json_decref(document);
    }
    free(file);
    *error = reader.error;
    if (reader.error)
        derive_run_free(run);
    return reader.error ? CODE_USAGE : CODE_DONE;
}

void derive_run_free(struct derive_run *run)
{
    free(run->image);
    free(run->unit);
    free(run->ended);
    free(run->list);
    *run = (struct derive_run){0};
}
