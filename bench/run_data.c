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

static bool has_packets(const struct experiment *experiment, const struct results *results,
                        uint32_t stream)
{
    for (size_t job = 0; job < experiment->job_count; job++)
        for (int phase = 0; phase < PHASE_COUNT; phase++) {
            const struct phase_outcome *outcome = &results->jobs[job].phases[phase];
            if (outcome->packet && probe_stream(outcome->level) == stream)
                return true;
        }
    return false;
}

/* One file a stream class, as their records differ in size. The first is always there. */
static int write_stream(const char *directory, uint32_t stream, const struct experiment *experiment,
                        const struct results *results, struct job_place *places)
{
    static const char *const names[PROBE_STREAMS] = {"trace/stream_0", "trace/stream_1"};
    uint64_t offset = 0;
    if (stream > 0 && !has_packets(experiment, results, stream))
        return 0;
    FILE *file = create(directory, names[stream]);
    if (!file)
        return -1;
    for (size_t job = 0; job < experiment->job_count; job++)
        for (int phase = 0; phase < PHASE_COUNT; phase++) {
            const struct phase_outcome *outcome = &results->jobs[job].phases[phase];
            size_t size =
                sizeof(struct packet_header) + outcome->records * probe_record_size(outcome->level);
            if (!outcome->packet || probe_stream(outcome->level) != stream)
                continue;
            places[job].packet[phase] = offset;
            fwrite(outcome->packet, 1, size, file);
            offset += size;
        }
    return finish(file);
}

int run_record_data(const char *directory, const char *unit, const struct experiment *experiment,
                    const struct results *results, struct job_place *places)
{
    char *trace = text("%s/trace", directory);
    int result = mkdir(trace, 0777);
    free(trace);
    if (result == 0)
        result = write_samples(directory, experiment, results, places);
    for (uint32_t stream = 0; result == 0 && stream < PROBE_STREAMS; stream++)
        result = write_stream(directory, stream, experiment, results, places);
    if (result == 0)
        result = write_string(directory, "trace/metadata", trace_metadata(unit));
    if (result == 0)
        result = write_string(directory, "layout.json", trace_layout_json());
    return result;
}
