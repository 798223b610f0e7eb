/* SPDX-License-Identifier: MIT */
/*
 * run: select, boot once, take the results apart, leave a run directory.
 */
#include "events_json.h"
#include "follow.h"
#include "interrupt.h"
#include "places.h"
#include "requirement.h"
#include "run_directory.h"
#include "run_guest.h"
#include "run_options.h"
#include "run_record.h"
#include "run_report.h"
#include "text.h"
#include "verdict.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONSOLE_LINES 40u
#define JOB_SECONDS   0.5

/* Everything of one run. */
struct run {
    struct run_options options;
    struct run_facts facts;
    struct corpus corpus;
    struct experiment experiment;
    struct run_directory directory;
    struct boot_end end;
    struct bytes region;
    struct results results;
};

static int unusable(const char *path, bool built)
{
    say("run: %s: %s%s", path, strerror(errno), built ? "; run `make`" : "");
    return built ? CODE_UNAVAILABLE : CODE_USAGE;
}

/* Fills in the files that were not named, and hashes them. */
static int find_files(struct run *run)
{
    struct run_options *options = &run->options;
    bool corpus_built = !options->corpus, image_built = !options->core;
    struct bytes image;
    char *error;

    if (corpus_built)
        options->corpus = place(PLACE_GUESTS);
    if (image_built)
        options->core = place(PLACE_IMAGE);
    if (access(options->corpus, R_OK) < 0)
        return unusable(options->corpus, corpus_built);
    if (corpus_open(options->corpus, &run->corpus, &error) < 0) {
        say("run: %s", error);
        free(error);
        return CODE_USAGE;
    }
    if (bytes_map(options->core, &image) < 0)
        return unusable(options->core, image_built);
    sha256_text(image.data, image.size, run->facts.core_sha256);
    sha256_text(run->corpus.file.data, run->corpus.file.size, run->facts.guests_sha256);
    bytes_unmap(&image);
    return CODE_DONE;
}

/* Google Benchmark would only find out after the work is done. */
static int check_out(const char *path)
{
    int file = path ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666) : -1;
    if (path && file < 0) {
        say("run: --benchmark_out=%s: %s", path, strerror(errno));
        return CODE_USAGE;
    }
    if (path)
        close(file);
    return CODE_DONE;
}

int run_check_target(const struct target *target)
{
    const struct requirement *unmet = requirement_unmet(target->needs);
    if (!unmet)
        return CODE_DONE;
    char *advice = requirement_advice(unmet);
    say("run: target %s cannot run here: no %s; %s", target->name, unmet->name, advice);
    free(advice);
    return CODE_UNAVAILABLE;
}

int run_open_directory(const char *output, time_t created, struct run_directory *directory)
{
    char name[48], *error;
    struct tm utc;
    gmtime_r(&created, &utc);
    strftime(name, sizeof(name), "runs/%Y%m%dT%H%M%SZ", &utc);
    if (run_directory_open(output ? output : name, directory, &error) == 0)
        return CODE_DONE;
    say("run: %s", error);
    free(error);
    return CODE_USAGE;
}

/* Unless it is given it grows with what there is to do: the machine may have others to serve. */
static double time_limit(const struct run *run)
{
    double more = JOB_SECONDS * (double)experiment_all_jobs(&run->experiment);
    return run->options.timeout + (run->options.timeout_given ? 0 : more);
}

/* Boots, and leaves run->end and run->results. Returns -1 with errno set if files failed. */
static int boot(struct run *run)
{
    size_t size;
    char *plan_path = run_directory_file(&run->directory, "plan.bin");
    char *console = run_directory_file(&run->directory, "console.txt");
    void *plan = experiment_plan(&run->experiment, run->options.target->plan_flags, &size);
    const struct boot boot = {
        .core = run->options.core,
        .guests = run->options.corpus,
        .plan = plan_path,
        .cpu_model = run->options.cpu_model,
        .cpus = run->experiment.cpus,
        .console = console,
        .scratch = run->directory.scratch,
        .results_base = RESULTS_BASE,
        .results_size = run->experiment.results_size,
        .timeout = time_limit(run),
    };
    int result = file_write(plan_path, plan, size);
    if (result == 0)
        result = file_write(console, "", 0); /* it is there even if nothing was printed */
    if (result == 0) {
        progress("booting %zu jobs on %s", experiment_all_jobs(&run->experiment),
                 run->options.target->name);
        run->options.target->boot(&boot, &run->end);
        progress_end();
    }
    if (result == 0 && run->end.failure)
        results_none(&run->experiment, printable(run->end.failure), &run->results);
    else if (result == 0 && (result = bytes_map(run->end.results, &run->region)) == 0)
        results_read(&run->experiment, &run->region, &run->results);
    free(plan);
    free(plan_path);
    free(console);
    return result;
}

/* Says which events were not counted, in one line if that is so of all. */
static void explain_events(const struct run *run)
{
    const struct pmu_groups *pmu = &run->experiment.pmu;
    const char *first = NULL;
    size_t absent = 0, all = PLAN_SIDES * pmu->event_count;

    for (int tell = 0; tell < 2 && absent < all; tell++)
        for (size_t i = 0; i < all; i++) {
            enum plan_side side = i % PLAN_SIDES ? PLAN_GUEST : PLAN_HOST;
            const char *event = pmu->events[i / PLAN_SIDES].name;
            const char *why = events_absent(&run->experiment, &run->results, i / PLAN_SIDES, side);
            first = first ? first : why;
            absent += why && !tell;
            if (why && tell)
                say("run: %s is not counted in the %s: %s", event,
                    side == PLAN_GUEST ? "guest" : "host", why);
        }
    if (absent && absent == all)
        say("run: no performance event is counted here, and the run goes on without: %s: %s",
            pmu->events[0].name, first);
}

/* Says on stderr what went wrong, as far as it is known. */
static void explain(const struct run *run)
{
    char *path = run_directory_file(&run->directory, "console.txt");
    char *console = file_tail(path, CONSOLE_LINES, NULL);
    for (size_t i = 0; i < run->experiment.job_count; i++) {
        const struct job_outcome *outcome = &run->results.jobs[i];
        if (outcome->status == RESULT_FAILED)
            say("%s: failed: %s", run->experiment.jobs[i].name, outcome->reason);
    }
    verdict_say(&run->experiment, &run->results);
    explain_events(run);
    if (run->results.reason[0]) {
        if (console)
            fprintf(stderr, "the console's last lines:\n%s", console);
        if (run->end.detail)
            fprintf(stderr, "the machine's own log:\n%s\n", run->end.detail);
        say("run: failed: %s", run->results.reason);
    }
    free(console);
    free(path);
}

/* Writes the run directory. Returns CODE_DONE or CODE_FAILED after saying why. */
static int record(struct run *run)
{
    struct job_place *places = zeroed(run->experiment.job_count, sizeof(*places));
    char *json = run_directory_file(&run->directory, "benchmark.json"), *error = NULL;
    run->facts.emulator = run->end.emulator;

    if (run_record_data(run->directory.partial, run->facts.target->unit, &run->experiment,
                        &run->results, places) < 0 ||
        run_record_json(run->directory.partial, &run->facts, &run->experiment, &run->results,
                        places) < 0)
        error = text("cannot write the run: %s", strerror(errno));
    else
        run_report(&run->experiment, &run->results, &run->facts, &run->options.gb, json, &error);
    free(places);
    free(json);
    if (!error)
        return CODE_DONE;
    say("run: %s", error);
    free(error);
    return CODE_FAILED;
}

/* Boot to finished directory. */
static int carry_out(struct run *run)
{
    char *error;
    interrupt_catch();
    if (boot(run) < 0) {
        say("run: %s", strerror(errno));
        return CODE_FAILED;
    }
    int code = interrupt_signal() ? CODE_DONE : record(run);
    if (code == CODE_DONE && !interrupt_signal())
        explain(run);
    if (interrupt_signal()) {
        say("run: interrupted, nothing kept");
        return CODE_SIGNAL + interrupt_signal();
    }
    if (code != CODE_DONE)
        return code;
    if (run_directory_commit(&run->directory, &error) < 0) {
        say("run: %s", error);
        free(error);
        return CODE_FAILED;
    }
    size_t done = results_count(&run->experiment, &run->results, RESULT_DONE);
    size_t skipped = results_count(&run->experiment, &run->results, RESULT_SKIPPED);
    fflush(stdout);
    fprintf(stderr, "run: %s (%zu done, %zu skipped, %zu failed)\n", run->directory.path, done,
            skipped, run->experiment.job_count - done - skipped);
    if (run->results.reason[0])
        return CODE_FAILED;
    if (done > 0 || skipped == 0)
        return CODE_DONE;
    say("run: not applicable: none of the jobs can be measured on this CPU");
    return CODE_UNAVAILABLE;
}

static int prepare_and_run(struct run *run)
{
    int code = find_files(run);
    if (code == CODE_DONE)
        code = run_select(&run->options, &run->corpus, &run->experiment);
    if (code == CODE_DONE && run->options.gb.list_tests) {
        for (size_t i = 0; i < run->experiment.job_count; i++)
            if (run->experiment.jobs[i].plan.repetition == 0)
                puts(run->experiment.jobs[i].name);
        return CODE_DONE;
    }
    if (code == CODE_DONE)
        code = run_check_target(run->options.target);
    if (code == CODE_DONE)
        code = check_out(run->options.gb.out);
    if (code == CODE_DONE)
        code = run_open_directory(run->options.output, run->facts.created, &run->directory);
    return code == CODE_DONE ? carry_out(run) : code;
}

int command_run(const struct command *command, int argc, const char **argv)
{
    struct run run = {0};
    int code;
    size_t count = 1 + (size_t)argc;
    const char **line = zeroed(count, sizeof(*line)); /* as given: reading changes argv */

    line[0] = "exitmeter";
    memcpy(line + 1, argv, (size_t)argc * sizeof(*line));
    if (run_options_read(command, argc, argv, &run.options, &code)) {
        run.facts.target = run.options.target;
        run.facts.cpu_model = run.options.cpu_model;
        run.facts.command = line;
        run.facts.command_count = count;
        run.facts.created = time(NULL);
        code = run.options.image ? run_guest(&run.options, &run.facts) : prepare_and_run(&run);
    }
    results_free(&run.results);
    bytes_unmap(&run.region);
    boot_end_free(&run.end);
    if (run.directory.path)
        run_directory_close(&run.directory);
    experiment_free(&run.experiment);
    corpus_close(&run.corpus);
    run_options_free(&run.options);
    free(line);
    return code;
}
