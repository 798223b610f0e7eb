/* SPDX-License-Identifier: MIT */
/*
 * samples.bin, trace/ and layout.json: the bytes as the guest and the probes wrote them, put end to
 * end.
 */
#include "run_record.h"
#include "text.h"
#include "trace_layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static FILE *create(const char *directory, const char *name)
{
    char *path = text("%s/%s", directory, name);
    FILE *file = fopen(path, "wbe");
    free(path);
    return file;
}

static int write_string(const char *directory, const char *name, char *content)
{
    char *path = text("%s/%s", directory, name);
    int result = file_write(path, content, strlen(content));
    free(path);
    free(content);
    return result;
}

/* fclose() that also reports what went wrong before. */
static int finish(FILE *file)
{
    int failed = ferror(file);
    return fclose(file) != 0 || failed ? -1 : 0;
}

static int write_samples(const char *directory, const struct experiment *experiment,
                         const struct results *results, struct job_place *places)
{
    uint64_t samples = 0;
    FILE *file = create(directory, "samples.bin");
    if (!file)
        return -1;
    for (size_t job = 0; job < experiment->job_count; job++)
        for (int phase = 0; phase < PHASE_COUNT; phase++) {
            const struct phase_outcome *outcome = &results->jobs[job].phases[phase];
            places[job].sample[phase] = samples;
            if (outcome->samples > 0)
                fwrite(outcome->sample, sizeof(struct sample), outcome->samples, file);
            samples += outcome->samples;
        }
    return finish(file);
}

/* Jobs ran in their order, so each CPU's packets come in the order of time. */
static int write_streams(const char *directory, const struct experiment *experiment,
                         const struct results *results, struct job_place *places)
{
    struct trace_streams *streams = trace_streams_open(directory);
    for (size_t job = 0; job < experiment->job_count; job++)
        for (int phase = 0; phase < PHASE_COUNT; phase++) {
            const struct phase_outcome *outcome = &results->jobs[job].phases[phase];
            if (outcome->packet)
                places[job].packet[phase] =
                    trace_streams_add(streams, outcome->packet, places[job].stream[phase]);
        }
    return trace_streams_close(streams);
}

int run_record_data(const char *directory, const char *unit, const struct experiment *experiment,
                    const struct results *results, struct job_place *places)
{
    char *trace = text("%s/trace", directory);
    int result = mkdir(trace, 0777);
    free(trace);
    if (result == 0)
        result = write_samples(directory, experiment, results, places);
    if (result == 0)
        result = write_streams(directory, experiment, results, places);
    if (result == 0)
        result = write_string(directory, "trace/metadata", trace_metadata(unit));
    if (result == 0)
        result = write_string(directory, "layout.json", trace_layout_json());
    return result;
}
