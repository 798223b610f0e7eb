/* SPDX-License-Identifier: MIT */
#include "run_several.h"

#include "child.h"
#include "interrupt.h"
#include "run_progress.h"
#include "text.h"
#include "worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MILLISECONDS 20

struct member {
    char *name; /* of its directory */
    struct run run;
    struct worker worker;
    bool shown;
};

struct several {
    const struct run_options *options;
    struct run_directory directory;
    struct member *members;
    size_t count;
    size_t started, ended;
    struct run_progress *progress; /* of each; shared with the workers */
};

static size_t length_of(const char *const *list)
{
    size_t length = 0;
    while (list[length])
        length++;
    return length;
}

static char *member_name(const struct run_options *options, size_t core, const char *cpu_model)
{
    if (options->targets[1])
        return text("%s", options->target->name);
    if (!options->cores[1])
        return text("%s", cpu_model);
    return options->cpu_models[1] ? text("core%zu-%s", core + 1, cpu_model)
                                  : text("core%zu", core + 1);
}

/* Everything that can be wrong with any of them, before any is started. */
static int prepare(struct several *several, const struct run_facts *facts, double begun)
{
    const struct run_options *options = several->options;
    size_t cores = length_of(options->cores), models = length_of(options->cpu_models);
    size_t targets = 0;

    while (options->targets[targets])
        targets++;
    several->members = zeroed(targets * cores * models, sizeof(*several->members));
    for (size_t i = 0; i < targets * cores * models; i++) {
        struct member *member = &several->members[several->count++];
        struct run_options *own = &member->run.options;
        member->run = (struct run){.options = *options, .facts = *facts, .begun = begun};
        own->target = options->targets[i / (cores * models)];
        own->core = options->cores[i / models % cores];
        own->cpu_model = targets > 1 ? own->target->cpu_models[0] : options->cpu_models[i % models];
        member->run.facts.target = own->target;
        member->run.facts.cpu_model = own->cpu_model;
        member->name = member_name(own, i / models % cores, own->cpu_model);
        int code = run_prepare(&member->run);
        if (code != CODE_DONE || options->gb.list_tests)
            return code;
    }
    return CODE_DONE;
}

/* In the worker: the run as it would be alone, in the directory that is not yet RUN. */
static int work(void *context)
{
    struct member *member = context;
    char *error, *path = text("%s", member->run.options.output);
    int code = CODE_FAILED;

    if (run_directory_open(path, &member->run.directory, &error) == 0) {
        code = run_carry_out(&member->run);
        run_release(&member->run);
    } else {
        say("run: %s", error);
        free(error);
    }
    free(path);
    return code;
}

static int start(struct several *several, size_t index)
{
    struct member *member = &several->members[index];
    char *inside = run_directory_file(&several->directory, member->name);
    char *shown = text("%s/%s", several->directory.path, member->name);

    member->run.options.output = inside;
    member->run.shown = shown;
    member->run.begun = monotonic_seconds();
    run_progress_share(&several->progress[index]);
    int result = worker_start(&member->worker, work, member);
    if (result < 0)
        say("run: %s: cannot be started: %s", member->name, strerror(errno));
    free(shown);
    free(inside);
    member->run.options.output = NULL;
    member->run.shown = NULL;
    several->started++;
    return result;
}

/* What the runs that have ended had to say, in their order, whichever was first. */
static void show_ended(struct several *several)
{
    for (size_t i = 0; i < several->started && several->members[i].worker.ended; i++) {
        struct member *member = &several->members[i];
        if (member->shown)
            continue;
        member->shown = true;
        progress_end();
        fprintf(stderr, "run: %s:\n", member->name); /* stdout may be JSON */
        worker_show(&member->worker);
    }
}

static void show_progress(const struct several *several)
{
    char *line = text("%zu of %zu runs ended", several->ended, several->count);
    for (size_t i = 0; i < several->started; i++) {
        if (several->members[i].worker.ended)
            continue;
        char *jobs = run_progress_text(&several->progress[i]);
        char *longer = text("%s; %s: %s", line, several->members[i].name, jobs);
        free(jobs);
        free(line);
        line = longer;
    }
    run_progress_line(line);
}

/* Runs them all. Returns -1 if they were not all run. */
static int carry_out(struct several *several)
{
    size_t most = several->options->parallel;
    int result = 0;

    for (size_t i = 0; several->options->targets[i]; i++)
        if (!several->options->targets[i]->parallel)
            most = 1;
    while (several->ended < several->count && result == 0 && !interrupt_signal()) {
        while (several->started < several->count && several->started - several->ended < most &&
               result == 0)
            result = start(several, several->started);
        several->ended = 0;
        for (size_t i = 0; i < several->started; i++)
            several->ended += worker_ended(&several->members[i].worker);
        show_ended(several);
        show_progress(several);
        worker_wait(WAIT_MILLISECONDS);
    }
    progress_end();
    for (size_t i = 0; i < several->started; i++)
        worker_ask(&several->members[i].worker);
    for (size_t i = 0; i < several->started; i++)
        worker_stop(&several->members[i].worker);
    return result;
}

static bool stdout_is_for_a_machine(const struct gb_flags *flags)
{
    static const char format[] = "--benchmark_format=";
    bool is = false;

    for (size_t i = 0; i < flags->passed_on_count; i++)
        if (strncmp(flags->passed_on[i], format, strlen(format)) == 0)
            is = strcmp(flags->passed_on[i] + strlen(format), "console") != 0;
    return is;
}

/*
 * Several targets are asked for to be seen side by side. That is analysis's to print, in a process
 * of its own; unless stdout is for a machine. Returns its exit code.
 */
static int show_targets(const struct several *several)
{
    static const struct command targets = {.name = "targets", .run = command_analysis};
    const char *argv[] = {targets.name, several->directory.path, NULL};
    int status = 0;

    if (!several->options->targets[1] || stdout_is_for_a_machine(&several->options->gb))
        return CODE_DONE;
    fflush(NULL);
    pid_t pid = fork(), ended = pid;
    if (pid == 0)
        _exit(command_analysis(&targets, 2, argv));
    while (pid > 0 && (ended = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
        kill(pid, interrupt_signal()); /* the terminal's has reached it; others only us */
    if (ended < 0) {
        say("run: cannot show the targets side by side: %s", strerror(errno));
        return CODE_FAILED;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : CODE_FAILED;
}

/* The worst of their codes; a run that left no directory fails them all. */
static int conclude(struct several *several)
{
    static const int worst[] = {CODE_FAILED, CODE_USAGE, CODE_UNAVAILABLE};
    int code = CODE_DONE;
    size_t rank = sizeof(worst) / sizeof(worst[0]);
    char *error;

    for (size_t i = 0; i < several->count; i++) {
        struct member *member = &several->members[i];
        char *path = run_directory_file(&several->directory, member->name);
        struct stat status;
        bool there = stat(path, &status) == 0;
        free(path);
        if (!there) {
            say("run: %s left no run; nothing kept", member->name);
            return CODE_FAILED;
        }
        for (size_t r = 0; r < rank; r++)
            if (member->worker.code == worst[r])
                code = worst[rank = r];
    }
    if (run_directory_commit(&several->directory, &error) < 0) {
        say("run: %s", error);
        free(error);
        return CODE_FAILED;
    }
    fflush(stdout);
    fprintf(stderr, "run: %s (%zu runs)\n", several->directory.path, several->count);
    int shown = show_targets(several);
    return code == CODE_DONE ? shown : code;
}

static int run_all(struct several *several, time_t created)
{
    const struct run_options *options = several->options;
    size_t size = several->count * sizeof(*several->progress);
    int code = CODE_DONE;

    for (size_t i = 0; options->targets[i] && code == CODE_DONE; i++)
        code = run_check_target(options->targets[i], options->accel);
    if (code != CODE_DONE)
        return code;
    interrupt_catch(); /* from here on there is something to be removed */
    code = run_open_directory(options->output, created, &several->directory);
    if (code != CODE_DONE)
        return code;
    several->progress = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (several->progress == MAP_FAILED) {
        say("run: %s", strerror(errno));
        return CODE_FAILED;
    }
    code = carry_out(several) < 0 ? CODE_FAILED : CODE_DONE;
    munmap(several->progress, size);
    if (interrupt_signal()) {
        say("run: interrupted, nothing kept");
        return CODE_SIGNAL + interrupt_signal();
    }
    return code == CODE_DONE ? conclude(several) : code;
}

int run_several(const struct run_options *options, const struct run_facts *facts, double begun)
{
    struct several several = {.options = options};
    int code = prepare(&several, facts, begun);

    if (code == CODE_DONE && options->gb.list_tests)
        run_list(&several.members[0].run);
    else if (code == CODE_DONE)
        code = run_all(&several, facts->created);
    for (size_t i = 0; i < several.count; i++) {
        run_release(&several.members[i].run);
        worker_free(&several.members[i].worker);
        free(several.members[i].name);
    }
    if (several.directory.path)
        run_directory_close(&several.directory);
    free(several.members);
    return code;
}
