/* SPDX-License-Identifier: MIT */
#include "run_benchmarks.h"

#include "child.h"
#include "follow.h"
#include "interrupt.h"
#include "monitor.h"
#include "names_json.h"
#include "places.h"
#include "run_explain.h"
#include "run_progress.h"
#include "run_report.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JOB_SECONDS 0.5

static int unusable(const char *path, bool built)
{
    say("run: %s: %s%s", path, strerror(errno), built ? "; run `make`" : "");
    return built ? CODE_UNAVAILABLE : CODE_USAGE;
}

/* Opens the files, and hashes them. */
static int open_files(struct run *run)
{
    const struct run_options *options = &run->options;
    struct bytes image;
    char *error;

    if (access(options->corpus, R_OK) < 0)
        return unusable(options->corpus, !options->corpus_given);
    if (corpus_open(options->corpus, &run->corpus, &error) < 0) {
        say("run: %s", error);
        free(error);
        return CODE_USAGE;
    }
    sha256_text(run->corpus.file.data, run->corpus.file.size, run->facts.guests_sha256);
    run->facts.accelerator = target_accelerator(options->target, options->accel);
    if (!options->target->image) /* no image of ours takes part */
        return CODE_DONE;
    if (!options->cores_given)
        run->options.core = run->image = place(options->target->image);
    if (bytes_map(options->core, &image) < 0)
        return unusable(options->core, !options->cores_given);
    sha256_text(image.data, image.size, run->facts.core_sha256);
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

/* Unless it is given it grows with what there is to do: the machine may have others to serve. */
static double time_limit(const struct run *run)
{
    const struct run_options *options = &run->options;
    double usual = options->target->timeout > 0 ? options->target->timeout : options->timeout;

    return options->timeout_given
               ? options->timeout
               : usual + JOB_SECONDS * (double)experiment_all_jobs(&run->experiment);
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
        .accelerator = run->facts.accelerator,
        .pin = run->options.pin,
        .events = run->options.target->own_policy ? run->options.pmu : NULL,
    };
    int result = file_write(plan_path, plan, size);
    if (result == 0)
        result = file_write(console, "", 0); /* it is there even if nothing was printed */
    if (result == 0) {
        progress("booting %zu jobs on %s", experiment_all_jobs(&run->experiment),
                 run->options.target->name);
        double begun = monotonic_seconds();
        run->options.target->boot(&boot, &run->end);
        run->boot_seconds = run->end.seconds > 0 ? run->end.seconds : monotonic_seconds() - begun;
        progress_end();
    }
    if (result == 0 && run->end.failure)
        results_none(&run->experiment, printable(run->end.failure), &run->results);
    else if (result == 0 && (result = bytes_map(run->end.results, &run->region)) == 0)
        results_read(&run->experiment, &run->region, &run->results);
    if (result == 0 && run->end.monitor && run->results.readable) {
        monitor_count(run->end.monitor, &run->experiment, &run->results);
        monitor_guess(run->end.monitor, &run->experiment, &run->results);
    }
    free(plan);
    free(plan_path);
    free(console);
    return result;
}

/* Writes the run directory. Returns CODE_DONE or CODE_FAILED after saying why. */
static int record(struct run *run)
{
    struct job_place *places = zeroed(run->experiment.job_count, sizeof(*places));
    char *json = run_directory_file(&run->directory, "benchmark.json"), *error = NULL;
    run->facts.emulator = run->end.emulator;
    run->facts.monitor = run->end.monitor;

    if (run_record_data(run->directory.partial, run->facts.target->unit, &run->experiment,
                        &run->results, places) < 0 ||
        run_record_json(run->directory.partial, &run->facts, &run->experiment, &run->results,
                        places) < 0 ||
        names_json_write(run->directory.partial) < 0)
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

/* The machine has had its say: it lacks what the image is for. */
static int say_unavailable(const struct run *run)
{
    char *path = run_directory_file(&run->directory, "console.txt");
    char *advice = file_tail(path, 1, "what to do: ");
    char *at = advice ? strstr(advice, "what to do: ") : NULL;

    say("run: target %s cannot measure here: %s", run->facts.target->name, run->end.failure);
    if (at) {
        at[strcspn(at, "\n")] = '\0';
        say("run: %s", at);
    }
    free(advice);
    free(path);
    return CODE_UNAVAILABLE;
}

int run_carry_out(struct run *run)
{
    char *error;
    if (boot(run) < 0) {
        say("run: %s", strerror(errno));
        return CODE_FAILED;
    }
    if (run->end.unavailable && !interrupt_signal())
        return say_unavailable(run);
    int code = interrupt_signal() ? CODE_DONE : record(run);
    if (code == CODE_DONE && !interrupt_signal())
        run_explain(run);
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
    fprintf(stderr, "run: %s (%zu done, %zu skipped, %zu failed), %s %.1f s, harness %.1f s\n",
            run->shown ? run->shown : run->directory.path, done, skipped,
            run->experiment.job_count - done - skipped, run->facts.target->name, run->boot_seconds,
            monotonic_seconds() - run->begun - run->boot_seconds);
    if (run->results.reason[0])
        return CODE_FAILED;
    if (done > 0 || skipped == 0)
        return CODE_DONE;
    say("run: not applicable: none of the jobs can be measured on this CPU");
    return CODE_UNAVAILABLE;
}

int run_prepare(struct run *run)
{
    int code = open_files(run);
    if (code == CODE_DONE)
        code = run_select(&run->options, &run->corpus, &run->experiment);
    return code;
}

void run_list(const struct run *run)
{
    for (size_t i = 0; i < run->experiment.job_count; i++)
        if (run->experiment.jobs[i].plan.repetition == 0)
            puts(run->experiment.jobs[i].name);
}

int run_alone(struct run *run)
{
    int code = run_prepare(run);
    if (code == CODE_DONE && run->options.gb.list_tests) {
        run_list(run);
        return CODE_DONE;
    }
    if (code == CODE_DONE)
        code = run_check_target(run->options.target, run->facts.accelerator);
    if (code == CODE_DONE)
        code = check_out(run->options.gb.out);
    if (code != CODE_DONE)
        return code;
    interrupt_catch(); /* from here on there is something to be removed */
    code = run_open_directory(run->options.output, run->facts.created, &run->directory);
    return code == CODE_DONE ? run_carry_out(run) : code;
}

void run_release(struct run *run)
{
    results_free(&run->results);
    bytes_unmap(&run->region);
    boot_end_free(&run->end);
    if (run->directory.path)
        run_directory_close(&run->directory);
    experiment_free(&run->experiment);
    corpus_close(&run->corpus);
    free(run->image);
}
