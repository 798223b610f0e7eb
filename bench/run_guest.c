/* SPDX-License-Identifier: MIT */
#include "run_guest.h"

#include "experiment.h"
#include "follow.h"
#include "guest_json.h"
#include "interrupt.h"
#include "names_json.h"
#include "places.h"
#include "run_directory.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PYTHON        "/usr/bin/python3"
#define CONSOLE_LINES 40u

struct guest_run {
    struct run_options *options;
    struct run_facts *facts;
    struct guest_wish wish;
    struct guest_layout layout;
    struct experiment policies; /* only those of it are used */
    struct guest_outcome *outcomes;
    size_t outcome_count;
    struct run_directory directory;
};

/* Maps a file that the user named. */
static bool open_file(const char *option, const char *path, struct bytes *bytes)
{
    if (bytes_map(path, bytes) < 0) {
        say("run: --%s: %s: %s", option, path, strerror(errno));
        return false;
    }
    if (bytes->size == 0)
        say("run: --%s: %s: the file is empty", option, path);
    return bytes->size > 0;
}

static bool read_wish(struct guest_run *run)
{
    const struct run_options *options = run->options;
    const struct target *target = options->target;

    run->wish = (struct guest_wish){
        .image = options->image,
        .initrd = options->initrd,
        .command_line = options->command_line,
        .until = options->until,
        .start = (enum plan_start)options->start,
        .address = options->address,
        .timeout = options->timeout,
    };
    if (!open_file("image", options->image, &run->wish.image_bytes) ||
        (options->initrd && !open_file("initrd", options->initrd, &run->wish.initrd_bytes)))
        return false;
    run->layout = guest_layout(&run->wish);
    if (run->layout.memory <= target->results_most + RESULTS_BASE)
        return true;
    say("run: --image: %s: too large: with room for it and its initial RAM disk the machine would "
        "need %llu MiB of memory, target %s has at most %llu",
        options->image, (unsigned long long)(run->layout.memory >> 20), target->name,
        (unsigned long long)((target->results_most + RESULTS_BASE) >> 20));
    return false;
}

static int find_core(struct guest_run *run)
{
    const struct run_options *options = run->options;
    struct bytes core;

    if (bytes_map(options->core, &core) < 0) {
        say("run: %s: %s; run `make`", options->core, strerror(errno));
        return CODE_UNAVAILABLE;
    }
    sha256_text(core.data, core.size, run->facts->core_sha256);
    bytes_unmap(&core);
    return CODE_DONE;
}

static char *file_of(const struct guest_run *run, const char *policy, const char *name)
{
    return text("%s/policies/%s/%s", run->directory.partial, policy, name);
}

/* Its profile, or why there is none, goes to *outcome. Returns -1 with errno set if files failed.
 */
static int boot(struct guest_run *run, const struct policy *policy, struct guest_outcome *outcome)
{
    const char *name = policy->plan.name;
    char *directory = file_of(run, name, "");
    char *scratch = text("%s/%s", run->directory.scratch, name);
    char *plan_path = file_of(run, name, "plan.bin"), *core = file_of(run, name, "core.txt");
    char *console = file_of(run, name, "console.txt"), *guests = place(PLACE_GUESTS);
    const struct boot_guest guest = {
        .image = run->wish.image,
        .initrd = run->wish.initrd,
        .until = run->wish.until,
        .console = console,
        .memory = run->layout.memory,
        .request = run->layout.request,
    };
    const struct boot boot = {
        .core = run->options->core,
        .guests = guests,
        .plan = plan_path,
        .cpu_model = run->options->cpu_model,
        .cpus = 1,
        .console = core,
        .scratch = scratch,
        .results_base = RESULTS_BASE,
        .results_size = run->layout.results_size,
        .timeout = run->wish.timeout,
        .guest = &guest,
    };
    struct boot_end end = {0};
    size_t size;
    void *plan =
        guest_plan(&run->wish, &run->layout, policy, run->options->target->plan_flags, &size);
    int result = mkdir(directory, 0777);

    if (result == 0)
        result = mkdir(scratch, 0777);
    if (result == 0)
        result = file_write(plan_path, plan, size);
    if (result == 0)
        result = file_write(console, "", 0) | file_write(core, "", 0);
    if (result == 0) {
        fprintf(stderr, "run: %s under %s\n", run->wish.image, name);
        run->options->target->boot(&boot, &end);
        progress_end();
        guest_outcome_read(&run->wish, &end, outcome);
        if (outcome->status == GUEST_FAILED && end.detail)
            fprintf(stderr, "the machine's own log:\n%s\n", end.detail);
    }
    boot_end_free(&end);
    free(plan);
    free(guests);
    free(console);
    free(core);
    free(plan_path);
    free(scratch);
    free(directory);
    return result;
}

/* Says on stderr how it ended. */
static void explain(const struct guest_run *run, const struct policy *policy,
                    const struct guest_outcome *outcome)
{
    if (outcome->status == GUEST_FAILED) {
        char *path = file_of(run, policy->plan.name, "core.txt");
        char *core = file_tail(path, CONSOLE_LINES, NULL);
        if (core && *core)
            fprintf(stderr, "the core's last lines:\n%s", core);
        free(core);
        free(path);
    }
    say("run: under %s: %s", policy->plan.name, outcome->reason);
}

/* The top lists, by analysis/, which reads the finished directory. */
static void show(const char *directory)
{
    pid_t pid;
    int status;

    fflush(stdout);
    setenv("PYTHONPATH", places_root(), 1);
    pid = fork();
    if (pid == 0) {
        execl(PYTHON, PYTHON, "-m", "analysis", "profile", directory, (char *)NULL);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status))
        say("run: the profile could not be shown; `exitmeter profile %s`", directory);
}

static int boot_all(struct guest_run *run)
{
    for (size_t i = 0; i < run->policies.policy_count; i++) {
        const struct policy *policy = &run->policies.policies[i];
        struct guest_outcome *outcome = &run->outcomes[run->outcome_count];
        if (boot(run, policy, outcome) < 0) {
            say("run: %s", strerror(errno));
            return CODE_FAILED;
        }
        run->outcome_count++;
        explain(run, policy, outcome);
        if (!run->facts->emulator)
            run->facts->emulator = outcome->emulator;
        /* Under another policy it would be no better. */
        if (outcome->status == GUEST_REFUSED || interrupt_signal())
            break;
    }
    return CODE_DONE;
}

static int conclude(const struct guest_run *run, bool any_profile)
{
    int code = CODE_DONE;

    for (size_t i = 0; i < run->outcome_count; i++)
        if (run->outcomes[i].status == GUEST_REFUSED)
            code = CODE_USAGE;
        else if (run->outcomes[i].status == GUEST_FAILED && code != CODE_USAGE)
            code = CODE_FAILED;
        else if (run->outcomes[i].status == GUEST_UNAVAILABLE && code == CODE_DONE)
            code = CODE_UNAVAILABLE;
    if (any_profile)
        show(run->directory.path);
    fprintf(stderr, "run: %s\n", run->directory.path);
    return interrupt_signal() ? CODE_SIGNAL + interrupt_signal() : code;
}

/* Boot to finished directory. A guest that cannot be run leaves none. */
static int carry_out(struct guest_run *run)
{
    bool any_profile = false;
    char *error;

    char *policies = text("%s/policies", run->directory.partial);
    int code = mkdir(policies, 0777) == 0 ? CODE_DONE : CODE_FAILED;
    if (code != CODE_DONE)
        say("run: %s: %s", policies, strerror(errno));
    free(policies);
    if (code == CODE_DONE)
        code = boot_all(run);
    if (code != CODE_DONE)
        return code;
    for (size_t i = 0; i < run->outcome_count; i++)
        any_profile |= run->outcomes[i].has_profile;
    if (!any_profile && run->outcomes[0].status == GUEST_REFUSED)
        return CODE_USAGE;
    if (!any_profile && interrupt_signal()) {
        say("run: interrupted, nothing kept");
        return CODE_SIGNAL + interrupt_signal();
    }
    if (guest_json_write(run->directory.partial, run->facts, &run->wish, run->policies.policies,
                         run->outcomes, run->outcome_count) < 0 ||
        names_json_write(run->directory.partial) < 0) {
        say("run: cannot write the run: %s", strerror(errno));
        return CODE_FAILED;
    }
    if (run_directory_commit(&run->directory, &error) < 0) {
        say("run: %s", error);
        free(error);
        return CODE_FAILED;
    }
    return conclude(run, any_profile);
}

int run_guest(struct run_options *options, struct run_facts *facts)
{
    struct guest_run run = {.options = options, .facts = facts};
    int code =
        read_wish(&run) && run_select_policies(options->policies, options->target, &run.policies)
            ? CODE_DONE
            : CODE_USAGE;

    if (code == CODE_DONE)
        code = find_core(&run);
    if (code == CODE_DONE)
        code = run_check_target(options->target, NULL);
    if (code == CODE_DONE) {
        interrupt_catch(); /* from here on there is something to be removed */
        code = run_open_directory(options->output, facts->created, &run.directory);
    }
    if (code == CODE_DONE) {
        run.outcomes = zeroed(run.policies.policy_count, sizeof(*run.outcomes));
        code = carry_out(&run);
    }
    for (size_t i = 0; i < run.outcome_count; i++)
        guest_outcome_free(&run.outcomes[i]);
    free(run.outcomes);
    if (run.directory.path)
        run_directory_close(&run.directory);
    experiment_free(&run.policies);
    bytes_unmap(&run.wish.image_bytes);
    bytes_unmap(&run.wish.initrd_bytes);
    return code;
}
