/* SPDX-License-Identifier: MIT */
#include "deliver.h"

#include "../../core/boot/console.h"
#include "../../core/boot/screen.h"
#include "../../core/boot/serial.h"
#include "../../core/platform.h"
#include "../../core/x86/instructions.h"
#include "serial_send.h"
#include "show.h"

#define CLOCK_INDEX   0x70 /* the real-time clock, ports */
#define CLOCK_DATA    0x71
#define CLOCK_SECONDS 0 /* its registers up to the year */
#define CLOCK_YEAR    9

static const struct plan_header *plan;
static const struct boot_module *notes;
static const struct results_header *results;
static uint64_t run;

/* Differs from boot to boot: the time of day, and how long this one took. */
static uint64_t identify(void)
{
    uint64_t tsc = x86_rdtsc();
    uint64_t id = crc64(0, &tsc, sizeof(tsc));

    for (uint8_t i = CLOCK_SECONDS; i <= CLOCK_YEAR; i++) {
        x86_out8(CLOCK_INDEX, i);
        uint8_t value = x86_in8(CLOCK_DATA);
        id = crc64(id, &value, sizeof(value));
    }
    return id;
}

void deliver_prepare(const struct plan_header *the_plan, const struct boot_module *the_notes)
{
    plan = the_plan;
    notes = the_notes;
    run = identify();
}

void deliver_with(const struct results_header *the_results)
{
    results = the_results;
}

static bool enough(uint32_t pass, uint64_t done, uint64_t all)
{
    uint8_t byte;

    show_sent(pass, plan->serial_passes, done, all);
    return serial_get(&byte);
}

static void send(const char *what, uint32_t passes)
{
    struct serial_source sources[SERIAL_LISTED_MAX];
    struct serial_sender sender = {
        .run = run, .sources = sources, .put = serial_put, .enough = enough};
    uint8_t byte;
    size_t length;

    if (!serial_works()) {
        platform_log("exitmeter: COM1 is not there or takes nothing: the results stay here\n");
        return;
    }
    while (serial_get(&byte)) /* what came before is no answer */
        ;
    platform_log("exitmeter: sending %s over COM1\n", what);
    const char *text = console_text(&length);
    if (notes)
        sources[sender.count++] = (struct serial_source){
            SERIAL_NOTES, platform_at(notes->range.start), notes->range.end - notes->range.start};
    sources[sender.count++] = (struct serial_source){SERIAL_PLAN, plan, plan->size};
    sources[sender.count++] = (struct serial_source){SERIAL_CONSOLE, text, length};
    if (results)
        sources[sender.count++] =
            (struct serial_source){SERIAL_RESULTS, results, plan->results_size};
    sender.passes = passes;
    passes = serial_send(&sender);
    if (serial_works())
        platform_log("exitmeter: sent, passes: %u\n", passes);
    else
        platform_log("exitmeter: COM1 takes nothing any more: the results are not all sent\n");
}

void deliver_so_far(void)
{
    if (!plan || !(plan->flags & PLAN_RESULTS_SERIAL))
        return;
    send("what there is so far", 1);
    run = identify();
}

void deliver(void)
{
    static bool begun; /* what fails in here is not to begin it again */

    if (begun || !plan)
        return;
    begun = true;
    show_table();
    if (plan->flags & PLAN_RESULTS_SERIAL)
        send("the results", plan->serial_passes);
    if (plan->flags & PLAN_HALT && screen_rows())
        show_rest("that is all; the machine can be switched off");
}
