/* SPDX-License-Identifier: MIT */
#include "experiment.h"
#include "guest.h"
#include "text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 4, 5))) static void conclude(struct guest_outcome *outcome,
                                                           enum guest_status status,
                                                           const char *ended, const char *format,
                                                           ...)
{
    va_list arguments;
    char *reason;

    va_start(arguments, format);
    if (vasprintf(&reason, format, arguments) < 0)
        abort();
    va_end(arguments);
    free(outcome->reason);
    outcome->status = status;
    outcome->ended = ended;
    outcome->reason = reason;
}

/* The run was asked to end: by whom, and for what. */
static void conclude_asked(const struct guest_wish *wish, const struct boot_end *end,
                           struct guest_outcome *outcome)
{
    switch (end->asked) {
    case BOOT_ASKED_UNTIL:
        conclude(outcome, GUEST_DONE, "until", "the text '%s' has appeared", wish->until);
        break;
    case BOOT_ASKED_TIME:
        conclude(outcome, GUEST_FAILED, "time_limit",
                 "the guest did not end within %g s and was stopped", wish->timeout);
        break;
    case BOOT_ASKED_SIGNAL:
        conclude(outcome, GUEST_FAILED, "interrupted", "interrupted by signal %d (%s)",
                 end->signal_number, strsignal(end->signal_number));
        break;
    case BOOT_NOT_ASKED:
        conclude(outcome, GUEST_FAILED, "breakpoint",
                 "the guest raised the emulator's magic breakpoint (XCHG BX,BX)");
        break;
    }
}

/* It has ended by itself. */
static void conclude_ended(const struct guest_wish *wish, const struct boot_end *end,
                           struct guest_outcome *outcome)
{
    const struct machine_result *result = outcome->result;
    const char *text = result->text;
    enum guest_status good = wish->until && !end->until_seen ? GUEST_FAILED : GUEST_DONE;
    const char *unseen = good == GUEST_FAILED ? ", and the text was not seen" : "";

    switch (result->end) {
    case MACHINE_REFUSED:
        conclude(outcome, GUEST_REFUSED, "refused", "%s: %s", wish->image, text);
        break;
    case MACHINE_UNAVAILABLE:
        conclude(outcome, GUEST_UNAVAILABLE, "unavailable", "cannot be run here: %s", text);
        break;
    case MACHINE_ASKED:
        conclude_asked(wish, end, outcome);
        break;
    case MACHINE_DONE:
        conclude(outcome, good, "done", "the guest said that it is done%s", unseen);
        break;
    case MACHINE_FAILED:
        conclude(outcome, GUEST_FAILED, "failed",
                 "the guest reported a failure (value 0x%" PRIx64 ")", result->value);
        break;
    case MACHINE_POWERED_OFF:
        conclude(outcome, good, "powered_off", "the guest switched the machine off: %s%s", text,
                 unseen);
        break;
    case MACHINE_HALTED:
        conclude(outcome, good, "halted", "the guest halted for good: %s%s", text, unseen);
        break;
    case MACHINE_RESET:
        conclude(outcome, GUEST_FAILED, "reset", "the guest reset the machine: %s", text);
        break;
    default:
        conclude(outcome, GUEST_FAILED, "stopped", "%s", text);
    }
}

/* Whether the counts of a profile are any that the image can have left. */
static bool is_sound(const struct machine_result *result)
{
    const struct profile *profile = &result->profile;

    if (result->kept_count > MACHINE_KEPT || profile->tsc_end < profile->tsc_start ||
        !profile->slice_width)
        return false;
    for (unsigned i = 0; i < PROFILE_DETAILS; i++)
        if (profile->details[i].used > 1 || profile->details[i].reason >= PROBE_REASONS)
            return false;
    for (unsigned i = 0; i < PROFILE_ADDRESSES; i++)
        if (profile->addresses[i].used > 1 || profile->addresses[i].reason >= PROBE_REASONS)
            return false;
    return true;
}

static void tidy(char *string, size_t size)
{
    string[size - 1] = '\0';
    printable(string);
}

static void read_region(const struct guest_wish *wish, const struct boot_end *end,
                        const struct bytes *region, struct guest_outcome *outcome)
{
    struct results_header *header = &outcome->header;

    if (region->size < RESULTS_HEADER_ROOM + sizeof(struct machine_result)) {
        conclude(outcome, GUEST_FAILED, "crashed", "the results take %zu bytes: cut off",
                 region->size);
        return;
    }
    memcpy(header, region->data, sizeof(*header));
    if (header->magic != RESULTS_MAGIC || header->version != RESULTS_VERSION) {
        conclude(outcome, GUEST_FAILED, "crashed",
                 "the core stopped before its results were complete");
        return;
    }
    outcome->has_header = true;
    tidy(header->reason, sizeof(header->reason));
    tidy(header->compiler, sizeof(header->compiler));
    tidy(header->machine.vendor, sizeof(header->machine.vendor));
    tidy(header->machine.brand, sizeof(header->machine.brand));
    if (header->status == RESULT_FAILED) {
        conclude(outcome, GUEST_FAILED, "crashed", "%s", header->reason);
        return;
    }
    outcome->result = zeroed(1, sizeof(*outcome->result));
    memcpy(outcome->result, region->data + RESULTS_HEADER_ROOM, sizeof(*outcome->result));
    tidy(outcome->result->text, sizeof(outcome->result->text));
    tidy(outcome->result->kind, sizeof(outcome->result->kind));
    if (header->status != RESULT_DONE || outcome->result->end == MACHINE_NOT_ENDED ||
        outcome->result->end >= MACHINE_ENDS) {
        conclude(outcome, GUEST_FAILED, "crashed",
                 "the core stopped before its results were complete");
        return;
    }
    conclude_ended(wish, end, outcome);
    if (outcome->status == GUEST_REFUSED || outcome->status == GUEST_UNAVAILABLE)
        return;
    outcome->has_profile = is_sound(outcome->result);
    if (!outcome->has_profile)
        conclude(outcome, GUEST_FAILED, "crashed", "the profile is damaged");
}

void guest_outcome_read(const struct guest_wish *wish, const struct boot_end *end,
                        struct guest_outcome *outcome)
{
    struct bytes region;

    *outcome = (struct guest_outcome){
        .emulator = end->emulator ? text("%s", end->emulator) : NULL,
    };
    if (end->failure) {
        char *failure = printable(text("%s", end->failure));
        conclude(outcome, GUEST_FAILED, "crashed", "%s", failure);
        free(failure);
        return;
    }
    if (bytes_map(end->results, &region) < 0) {
        conclude(outcome, GUEST_FAILED, "crashed", "the results cannot be read: %s",
                 strerror(errno));
        return;
    }
    read_region(wish, end, &region, outcome);
    bytes_unmap(&region);
}

void guest_outcome_free(struct guest_outcome *outcome)
{
    free(outcome->reason);
    free(outcome->result);
    free(outcome->emulator);
    *outcome = (struct guest_outcome){0};
}
