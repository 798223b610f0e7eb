/* SPDX-License-Identifier: MIT */
#include "show.h"

#include "../../core/boot/delay.h"
#include "../../core/boot/screen.h"
#include "../../core/boot/string.h"
#include "../../core/platform.h"
#include "../../core/x86/instructions.h"
#include "plan_check.h"
#include "show_row.h"

#define HEAD_ROWS       2u /* of a page: what it is, and what heads the columns */
#define PAGE_SECONDS    8u
#define MEASURED_US     20000u /* to learn the rate of the TSC by */
#define KEYBOARD_STATUS 0x64
#define KEYBOARD_DATA   0x60
#define KEYBOARD_FULL   0x01
#define KEY_RELEASED    0x80
#define NOTHING_THERE   0xff

static const struct plan_header *plan;
static const struct results_header *results;
static uint64_t hertz, began, turned;
static uint32_t shown, rows, page, pages;
static int64_t *room; /* for a phase's samples; NULL: there is no memory, and no table */

static uint64_t seconds_since(uint64_t tsc)
{
    return hertz ? (x86_rdtsc() - tsc) / hertz : 0;
}

void show_start(const struct plan_header *the_plan, const struct results_header *the_results)
{
    uint32_t samples = 1;

    if (!screen_rows() || !(the_plan->flags & PLAN_CONSOLE_SCREEN))
        return;
    for (uint32_t i = 0; i < the_plan->job_count; i++)
        if (plan_jobs(the_plan)[i].samples > samples)
            samples = plan_jobs(the_plan)[i].samples;
    room =
        platform_pages_allocate((samples * sizeof(*room) + PAGE_SIZE - 1) / PAGE_SIZE, PAGE_SIZE);
    plan = the_plan;
    results = the_results;
    uint64_t from = x86_rdtsc();
    delay_microseconds(MEASURED_US);
    hertz = (x86_rdtsc() - from) * (1000000 / MEASURED_US);
    began = x86_rdtsc();
}

/* The last row: what goes on. */
static void show_status(const char *status)
{
    if (screen_rows() > HEAD_ROWS + 1)
        screen_show(screen_rows() - 1, status);
}

void show_job(uint32_t job)
{
    char row[SHOW_ROW];
    const struct plan_job *planned;

    if (!plan)
        return;
    planned = &plan_jobs(plan)[job];
    uint32_t done = results->jobs_done;
    uint64_t left = done ? seconds_since(began) * (plan->job_count - done) / done : 0;
    if (left)
        show_format(row, "job %u of %u: %s, about %llu s left", done + 1, plan->job_count,
                    planned->benchmark, (unsigned long long)left);
    else
        show_format(row, "job %u of %u: %s", done + 1, plan->job_count, planned->benchmark);
    show_status(row);
}

/* Rows of a page for jobs. */
static uint32_t page_rows(void)
{
    return screen_rows() - HEAD_ROWS - 1;
}

/* What the measuring costs is not for the table. */
static bool has_row(uint32_t job)
{
    return !string_equal(plan_policies(plan)[plan_jobs(plan)[job].policy].name, PLAN_CALIBRATION);
}

static void show_page(void)
{
    char text[SHOW_ROW];
    uint32_t row = 0, first = page * page_rows();

    show_format(text, "exitmeter: %u of %u jobs ended; page %u of %u%s%s", results->jobs_done,
                plan->job_count, page + 1, pages, *results->reason ? "; " : "", results->reason);
    screen_show(0, text);
    show_head(text);
    screen_show(1, text);
    for (uint32_t job = 0; job < plan->job_count && row < first + page_rows(); job++) {
        if (!has_row(job) || row++ < first)
            continue;
        show_row(text, plan, results, job, room);
        screen_show(HEAD_ROWS + row - 1 - first, text);
    }
    for (; row < first + page_rows(); row++)
        screen_show(HEAD_ROWS + row - first, "");
    turned = x86_rdtsc();
}

void show_table(void)
{
    if (!plan || !room || !results->jobs_done || screen_rows() <= HEAD_ROWS + 1)
        return;
    for (uint32_t job = 0; job < plan->job_count; job++)
        rows += has_row(job);
    pages = rows ? (rows + page_rows() - 1) / page_rows() : 1;
    screen_end_log();
    show_page();
}

static bool key_pressed(void)
{
    uint8_t status = x86_in8(KEYBOARD_STATUS);

    if (status == NOTHING_THERE || !(status & KEYBOARD_FULL))
        return false;
    return !(x86_in8(KEYBOARD_DATA) & KEY_RELEASED);
}

void show_turn(void)
{
    if (pages < 2 || (!key_pressed() && seconds_since(turned) < PAGE_SECONDS))
        return;
    page = (page + 1) % pages;
    show_page();
}

void show_sent(uint32_t pass, uint32_t passes, uint64_t done, uint64_t all)
{
    uint32_t percent = all ? (uint32_t)(done * 100 / all) : 100;
    char row[SHOW_ROW];

    show_turn();
    if (!plan || pass * 101 + percent == shown)
        return;
    shown = pass * 101 + percent;
    if (passes)
        show_format(row, "sending over COM1: pass %u of %u, %u %%", pass, passes, percent);
    else
        show_format(row, "sending over COM1: pass %u, %u %%; ends when a byte comes back", pass,
                    percent);
    show_status(row);
}

_Noreturn void show_rest(const char *last)
{
    show_status(last);
    for (;;) {
        delay_microseconds(50000);
        show_turn();
    }
}
