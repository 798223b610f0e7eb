/* SPDX-License-Identifier: MIT */
#include "show_row.h"

#include "../../core/boot/string.h"
#include "plan_check.h"
#include "show.h"

#include <string.h>

/* Where text goes that must end within a row. */
struct row {
    char *text;
    size_t length;
};

static void put(char c, void *context)
{
    struct row *row = context;

    if (row->length < SHOW_ROW - 1)
        row->text[row->length++] = c;
}

static size_t add(char text[SHOW_ROW], size_t length, const char *format, va_list arguments)
{
    struct row row = {.text = text, .length = length};

    string_format(put, &row, format, arguments);
    text[row.length] = '\0';
    return row.length;
}

void show_format(char row[SHOW_ROW], const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add(row, 0, format, arguments);
    va_end(arguments);
}

/* Adds to a row from a column on, or a space behind what reaches further. */
__attribute__((format(printf, 3, 4))) static void add_at(char row[SHOW_ROW], size_t column,
                                                         const char *format, ...)
{
    size_t length = strlen(row);
    va_list arguments;

    do
        row[length] = ' ';
    while (length < SHOW_ROW - 2 && ++length < column);
    va_start(arguments, format);
    add(row, length, format, arguments);
    va_end(arguments);
}

/* Heap sort's half: the largest of [0, count) goes to the front, if all behind at are heaps. */
static void sift(int64_t *heap, uint32_t at, uint32_t count)
{
    for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && heap[child + 1] > heap[child])
            child++;
        if (heap[at] >= heap[child])
            return;
        int64_t larger = heap[child];
        heap[child] = heap[at];
        heap[at] = larger;
    }
}

int64_t show_median(const struct sample *samples, uint32_t count, int64_t *room)
{
    uint32_t left = count, rank = (count + 1) / 2; /* from 1 on, from below */

    for (uint32_t i = 0; i < count; i++)
        room[i] = (int64_t)(samples[i].end - samples[i].start);
    for (uint32_t i = count / 2; i-- > 0;)
        sift(room, i, count);
    for (; left > rank; left--) { /* takes the largest away */
        room[0] = room[left - 1];
        sift(room, 0, left - 1);
    }
    return count ? room[0] : 0;
}

static const struct job_result *result_of(const struct plan_header *plan,
                                          const struct results_header *results, uint32_t job)
{
    return (const void *)((const char *)results + plan_jobs(plan)[job].results_offset);
}

/* Exits of hundred operations, by the records of the counting phases; false if they kept none. */
static bool exits_of(const struct job_result *result, int64_t *hundredths)
{
    const struct phase_result *control = &result->phases[PHASE_COUNT_CONTROL];
    const struct phase_result *op = &result->phases[PHASE_COUNT_OP];

    if (!control->packet_offset || !op->packet_offset || !op->samples)
        return false;
    int64_t exits =
        (int64_t)(op->records + op->discarded) - (int64_t)(control->records + control->discarded);
    *hundredths = exits * 100 / (int64_t)op->samples;
    return true;
}

static const char *policy_of(const struct plan_header *plan, const struct plan_job *job)
{
    static const char root[] = "root/";

    for (unsigned i = 0; i < sizeof(root) - 1; i++)
        if (job->benchmark[i] != root[i])
            return plan_policies(plan)[job->policy].name;
    return "any";
}

#define POLICY_AT 30u /* columns */
#define MEDIAN_AT 53u
#define EXITS_AT  64u

void show_head(char row[SHOW_ROW])
{
    show_format(row, "benchmark");
    add_at(row, POLICY_AT, "policy");
    add_at(row, MEDIAN_AT, "%10s", "p50 cycles");
    add_at(row, EXITS_AT, "%9s", "exits/op");
}

/* The middle of the operation's samples less the control's; false if there are none of either. */
static bool median_of(const struct job_result *result, const char *base, int64_t *room,
                      int64_t *median)
{
    const struct phase_result *control = &result->phases[PHASE_CONTROL];
    const struct phase_result *op = &result->phases[PHASE_OP];

    if (!op->samples || !op->samples_offset || !control->samples || !control->samples_offset)
        return false;
    *median = show_median((const void *)(base + op->samples_offset), op->samples, room);
    *median -= show_median((const void *)(base + control->samples_offset), control->samples, room);
    return true;
}

void show_row(char row[SHOW_ROW], const struct plan_header *plan,
              const struct results_header *results, uint32_t job, int64_t *room)
{
    const struct plan_job *planned = &plan_jobs(plan)[job];
    const struct job_result *result = result_of(plan, results, job);
    int64_t median, exits;

    show_format(row, "%s", planned->benchmark);
    add_at(row, POLICY_AT, "%s", policy_of(plan, planned));
    if (result->status != RESULT_DONE) {
        add_at(row, MEDIAN_AT, "%s", result->status == RESULT_NOT_RUN ? "not run" : result->reason);
        return;
    }
    if (median_of(result, (const char *)results, room, &median))
        add_at(row, MEDIAN_AT, "%10lld", (long long)median);
    else
        add_at(row, MEDIAN_AT, "%10s", "-");
    if (exits_of(result, &exits))
        add_at(row, EXITS_AT, "%6lld.%02lld", (long long)(exits / 100),
               (long long)(exits < 0 ? -exits : exits) % 100);
    else
        add_at(row, EXITS_AT, "%9s", "-");
}
