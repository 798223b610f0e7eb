/* SPDX-License-Identifier: MIT */
/*
 * import: what an image of `iso` has sent over its serial line, as captured, becomes a run
 * directory, in the way that `run` makes one.
 */
#include "child.h"
#include "import.h"
#include "interrupt.h"
#include "text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAPTURES_MOST 16u

struct import {
    char *output, *corpus, *run_given; /* as given */
    char *captures[CAPTURES_MOST];
    size_t capture_count;
    struct bytes bytes[CAPTURES_MOST];
    struct serial_scan scan;
    struct serial_run sent;
    struct notes notes;
    struct run run;
    struct import_facts facts;
    char brand[sizeof(((struct machine_facts *)NULL)->brand)];
};

static bool read_options(const struct command *command, int argc, const char **argv,
                         struct import *import, int *code)
{
    const struct poptOption table[] = {
        {"output", 'o', POPT_ARG_STRING, &import->output, 0, "run directory to make (runs/DATE)",
         "RUN"},
        {"run", '\0', POPT_ARG_STRING, &import->run_given, 0,
         "which run, where the captures have several", "ID"},
        {"corpus", '\0', POPT_ARG_STRING, &import->corpus, 0, "guest blob that the image has",
         "BLOB"},
        POPT_TABLEEND,
    };

    if (!options_read_operands(command, argc, argv, table, "CAPTURE...", import->captures,
                               CAPTURES_MOST, code))
        return false;
    while (import->capture_count < CAPTURES_MOST && import->captures[import->capture_count])
        import->capture_count++;
    *code = CODE_USAGE;
    if (!import->capture_count)
        say("import: which capture of the serial line? `exitmeter import CAPTURE...`");
    return import->capture_count > 0;
}

static bool scan(struct import *import)
{
    for (size_t i = 0; i < import->capture_count; i++) {
        if (bytes_map(import->captures[i], &import->bytes[i]) < 0) {
            say("import: %s: %s", import->captures[i], strerror(errno));
            return false;
        }
        serial_scan(&import->scan, &import->bytes[i]);
    }
    if (!import->scan.count)
        say("import: %s%s: no frame in it; was the line captured raw, at 115200 baud, 8 bits, no "
            "parity, without flow control?",
            import->captures[0], import->capture_count > 1 ? " and the others" : "");
    return import->scan.count > 0;
}

/*
 * A guest-only image sends a run of what it has so far before it goes on to what may end it: of all
 * that are whole, the last is the one.
 */
static bool stands_for_all(const struct import *import, uint64_t id)
{
    struct serial_run sent = {0};
    struct notes notes = {0};
    char *error = NULL;
    bool stands = serial_assemble(&import->scan, id, &sent, &error) == 0;
    const struct serial_content *content = &sent.streams[SERIAL_NOTES];

    stands = stands && content->listed &&
             notes_read((const char *)content->data, content->length, &notes, &error) == 0 &&
             notes.guest_only;
    free(error);
    notes_free(&notes);
    serial_run_free(&sent);
    return stands;
}

/* The run that is meant; false after saying why there is none, or more than one. */
static bool choose(struct import *import, uint64_t *id)
{
    size_t count, at = 0;
    char *end;
    uint64_t *ids = serial_run_ids(&import->scan, &count);
    bool found = count == 1;

    *id = ids[0];
    if (count > 1 && !import->run_given) {
        for (at = count; at && !found; at--)
            found = stands_for_all(import, *id = ids[at - 1]);
        if (found)
            say("import: the captures have %zu runs; of an image that sends what it has before it "
                "goes on, the last that is whole; --run ID is for another",
                count);
    }
    if (import->run_given) {
        errno = 0;
        *id = strtoull(import->run_given, &end, 16);
        for (found = false; at < count && !found; at++)
            found = ids[at] == *id && !errno && !*end;
    }
    if (!found) {
        say("import: %s%s; which one? --run ID, one of:",
            import->run_given ? "there is no run " : "the captures have several runs",
            import->run_given ? import->run_given : "");
        for (size_t i = 0; i < count; i++)
            say("  %016" PRIx64, ids[i]);
    }
    free(ids);
    return found;
}

static void tell_line(const struct import *import)
{
    const struct serial_scan *scanned = &import->scan;

    fprintf(stderr,
            "import: run %016" PRIx64 ": %" PRIu64 " frames (%" PRIu64 " repeated) of %" PRIu32
            " passes; on the line %" PRIu64 " frames damaged, %" PRIu64 " of %" PRIu64
            " bytes in no frame\n",
            import->sent.id, import->sent.frames, import->sent.repeated, import->sent.passes,
            scanned->damaged, scanned->outside, scanned->bytes);
}

static int assemble(struct import *import)
{
    char *error;
    uint64_t id;

    if (!scan(import) || !choose(import, &id))
        return CODE_USAGE;
    int result = serial_assemble(&import->scan, id, &import->sent, &error);
    tell_line(import);
    if (result < 0) {
        say("import: run %016" PRIx64 " is not whole: %s", id, error);
        say("import: nothing is imported; another capture of the same run can be given with these");
        free(error);
        return CODE_FAILED;
    }
    const struct serial_content *notes = &import->sent.streams[SERIAL_NOTES];
    if (notes_read((const char *)notes->data, notes->length, &import->notes, &error) == 0)
        return CODE_DONE;
    say("import: run %016" PRIx64 ": %s", id, error);
    free(error);
    return CODE_USAGE;
}

/* The command line that `run` would have had. Returns how many words; free() each and the list. */
static size_t line_of(const struct import *import, char **policies, char ***line)
{
    size_t count = 0, all = 4;

    for (char **option = import->notes.options; *option; option++)
        all++;
    for (char **policy = policies; *policy; policy++)
        all++;
    char **words = zeroed(all + 1, sizeof(*words));
    words[count++] = text("import");
    words[count++] =
        text("--target=%s", import->notes.guest_only ? target_vm.name : target_native.name);
    if (import->corpus)
        words[count++] = text("--corpus=%s", import->corpus);
    for (char **option = import->notes.options; *option; option++)
        words[count++] = text("%s", *option);
    for (char **policy = policies; *policy && !import->notes.guest_only; policy++)
        words[count++] = text("--policy=%s", *policy);
    *line = words;
    return count;
}

static void free_words(char **words)
{
    for (char **word = words; word && *word; word++)
        free(*word);
    free(words);
}

/* Whether what is made of the notes here is what ran there, to the byte. */
static bool is_same_plan(struct import *import)
{
    const struct serial_content *plan = &import->sent.streams[SERIAL_PLAN];
    size_t size;

    if (strcmp(import->run.facts.guests_sha256, import->notes.guests_sha256) != 0) {
        say("import: the image has another guest blob (SHA-256 %s...); give that with --corpus, or "
            "import with the build that made the image",
            import->notes.guests_sha256);
        return false;
    }
    void *made = experiment_plan(&import->run.experiment, import->notes.flags, &size);
    bool same = size == plan->length && memcmp(made, plan->data, size) == 0;
    free(made);
    if (!same)
        say("import: the image ran another plan than this exitmeter makes of its options; import "
            "with the build that made the image");
    return same;
}

/* The CPU by its own name: that is known only now. */
static void name_cpu(struct import *import)
{
    const struct serial_content *results = &import->sent.streams[SERIAL_RESULTS];
    struct results_header header;

    if (!results->listed || results->length < sizeof(header))
        return;
    memcpy(&header, results->data, sizeof(header));
    memcpy(import->brand, header.machine.brand, sizeof(import->brand));
    import->brand[sizeof(import->brand) - 1] = '\0';
    printable(import->brand);
    if (*import->brand)
        import->run.facts.cpu_model = import->brand;
}

static int record(struct import *import, const char *const *line, size_t count)
{
    struct run *run = &import->run;
    int code = run_prepare(run);

    if (code != CODE_DONE)
        return code;
    run->experiment.serial_passes = import->notes.serial_passes;
    if (!is_same_plan(import))
        return CODE_USAGE;
    memcpy(run->facts.core_sha256, import->notes.core_sha256, SHA256_TEXT);
    import->facts = (struct import_facts){.captures = (const char *const *)import->captures,
                                          .capture_count = import->capture_count,
                                          .scan = &import->scan,
                                          .run = &import->sent,
                                          .notes = &import->notes};
    run->facts.import = &import->facts;
    run->facts.command = line;
    run->facts.command_count = count;
    name_cpu(import);
    return run_carry_out(run);
}

static int make_run(const struct command *command, struct import *import, const char *const *line,
                    size_t count, double begun)
{
    struct run *run = &import->run;
    char **words = NULL, *error;
    time_t created = time(NULL);
    int code = run_open_directory(import->output, created, &run->directory);

    if (code != CODE_DONE)
        return code;
    char **policies = import_policies(&import->sent.streams[SERIAL_PLAN], &import->notes,
                                      run->directory.scratch, &error);
    if (!policies) {
        say("import: %s", error);
        free(error);
        return CODE_USAGE;
    }
    size_t words_count = line_of(import, policies, &words);
    const char **argv = zeroed(words_count + 1, sizeof(*argv));
    memcpy(argv, words, words_count * sizeof(*argv));
    if (run_options_read(command, (int)words_count, argv, &run->options, &code)) {
        run->options.target = import_target(&import->sent, &import->notes);
        run->facts = (struct run_facts){
            .target = run->options.target, .cpu_model = run->options.cpu_model, .created = created};
        run->begun = begun;
        code = record(import, line, count);
    }
    free(argv);
    free_words(words);
    free_words(policies);
    return code;
}

static void release(struct import *import)
{
    run_release(&import->run);
    run_options_free(&import->run.options);
    notes_free(&import->notes);
    serial_run_free(&import->sent);
    serial_scan_free(&import->scan);
    for (size_t i = 0; i < import->capture_count; i++) {
        bytes_unmap(&import->bytes[i]);
        free(import->captures[i]);
    }
    free(import->output);
    free(import->corpus);
    free(import->run_given);
}

int command_import(const struct command *command, int argc, const char **argv)
{
    struct import import = {0};
    double begun = monotonic_seconds();
    int code;
    size_t count = 1 + (size_t)argc;
    const char **line = zeroed(count, sizeof(*line)); /* as given: reading changes argv */

    line[0] = "exitmeter";
    memcpy(line + 1, argv, (size_t)argc * sizeof(*line));
    if (read_options(command, argc, argv, &import, &code)) {
        interrupt_catch();
        code = assemble(&import);
        if (code == CODE_DONE)
            code = make_run(command, &import, line, count, begun);
    }
    release(&import);
    free(line);
    return code;
}
