/* SPDX-License-Identifier: MIT */
#include "import.h"

#include "follow.h"
#include "policy_file.h"
#include "text.h"
#include "vm_monitor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct serial_run *sent;
static struct target target;

/* The results and the console as files, as any target leaves them. */
static void boot_import(const struct boot *boot, struct boot_end *end)
{
    const struct serial_content *results = &sent->streams[SERIAL_RESULTS];
    const struct serial_content *console = &sent->streams[SERIAL_CONSOLE];

    *end = (struct boot_end){0};
    if (console->listed && file_write(boot->console, console->data, console->length) < 0) {
        end->failure = text("cannot keep the console: %s", strerror(errno));
        return;
    }
    if (!results->listed) {
        char *last = file_tail(boot->console, 1, "exitmeter: failed");
        end->failure = text("the image had no results: %s", last ? last : "it does not say why");
        end->failure[strcspn(end->failure, "\n")] = '\0';
        free(last);
        return;
    }
    const struct results_header *header = (const void *)results->data;
    if (results->length >= sizeof(*header) && header->status == RESULT_SKIPPED) {
        end->failure =
            text("%.*s", (int)strnlen(header->reason, sizeof(header->reason)), header->reason);
        printable(end->failure);
        end->unavailable = true;
        return;
    }
    end->results = text("%s/results.bin", boot->scratch);
    if (target.own_policy && results->length >= sizeof(*header))
        end->monitor = vm_monitor(header, NULL);
    if (file_write(end->results, results->data, results->length) < 0) {
        end->failure = text("cannot keep the results: %s", strerror(errno));
        free(end->results);
        end->results = NULL;
    }
}

const struct target *import_target(const struct serial_run *run, const struct notes *notes)
{
    sent = run;
    target = notes->guest_only ? target_vm : target_native;
    target.needs_emulated = 0; /* nobody knows what ran it */
    target.plan_flags = notes->flags;
    target.boot = boot_import;
    return &target;
}

/* The policies of a plan that is as long as its counts say; NULL if it is not. */
static const struct plan_policy *policies_of(const struct serial_content *plan, size_t count)
{
    const struct plan_header *header = (const void *)plan->data;

    if (!plan->listed || plan->length < sizeof(*header) || header->magic != PLAN_MAGIC ||
        header->version != PLAN_VERSION || header->policy_count > PLAN_POLICIES_MAX ||
        header->policy_count < count ||
        plan->length - sizeof(*header) < count * sizeof(struct plan_policy))
        return NULL;
    return (const void *)(header + 1);
}

char **import_policies(const struct serial_content *plan, const struct notes *notes,
                       const char *directory, char **error)
{
    const struct plan_policy *from = policies_of(plan, notes->policy_count);
    char **paths = zeroed(notes->policy_count + 1, sizeof(*paths));

    *error = from ? NULL
                  : text("its plan is not one of this exitmeter's; import with the build that made "
                         "the image");
    for (size_t i = 0; !*error && i < notes->policy_count; i++) {
        struct policy policy = {.plan = from[i], .probe_level = notes->levels[i]};
        struct policy_file file = policy_file_make(&policy);
        paths[i] = text("%s/%zu.policy.bin", directory, i);
        if (file_write(paths[i], &file, sizeof(file)) < 0)
            *error = text("%s: %s", paths[i], strerror(errno));
    }
    if (!*error)
        return paths;
    for (char **path = paths; *path; path++)
        free(*path);
    free(paths);
    return NULL;
}
