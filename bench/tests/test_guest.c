/* SPDX-License-Identifier: MIT */
/* The plan of a guest that has the machine, and what its results are taken for. */
#include "tests.h"

#include "../experiment.h"
#include "../guest.h"
#include "../text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REGION (RESULTS_HEADER_ROOM + sizeof(struct machine_result))

static char path[] = "/tmp/exitmeter-region-XXXXXX";
static const struct guest_wish usual = {.image = "image", .timeout = 7};
static uint8_t *region;
static struct results_header *header;
static struct machine_result *result;
static struct boot_end end;
static struct guest_outcome outcome;

static int make(void **state)
{
    (void)state;
    region = calloc(1, REGION);
    header = (struct results_header *)region;
    result = (struct machine_result *)(region + RESULTS_HEADER_ROOM);
    header->magic = RESULTS_MAGIC;
    header->version = RESULTS_VERSION;
    header->status = RESULT_DONE;
    result->end = MACHINE_DONE;
    result->profile.tsc_start = 5;
    result->profile.tsc_end = 9;
    result->profile.slice_width = 1;
    end = (struct boot_end){.results = path};
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    free(region);
    return 0;
}

static void read_as(const struct guest_wish *wish, enum guest_status status, const char *ended,
                    const char *reason, bool profile)
{
    strcpy(path + sizeof(path) - 7, "XXXXXX");
    int file = mkstemp(path);
    assert_int_equal(write(file, region, REGION), REGION);
    close(file);
    guest_outcome_read(wish, &end, &outcome);
    assert_int_equal(outcome.status, status);
    assert_string_equal(outcome.ended, ended);
    assert_string_equal(outcome.reason, reason);
    assert_int_equal(outcome.has_profile, profile);
    guest_outcome_free(&outcome);
    unlink(path);
}

static void ends_of_its_own(void **state)
{
    (void)state;
    read_as(&usual, GUEST_DONE, "done", "the guest said that it is done", true);
    result->end = MACHINE_HALTED;
    strcpy(result->text, "x\x01y");
    read_as(&usual, GUEST_DONE, "halted", "the guest halted for good: x?y", true);
    result->end = MACHINE_POWERED_OFF;
    strcpy(result->text, "how");
    read_as(&usual, GUEST_DONE, "powered_off", "the guest switched the machine off: how", true);
    result->end = MACHINE_RESET;
    read_as(&usual, GUEST_FAILED, "reset", "the guest reset the machine: how", true);
    result->end = MACHINE_STOPPED;
    read_as(&usual, GUEST_FAILED, "stopped", "how", true);
    result->end = MACHINE_REFUSED;
    read_as(&usual, GUEST_REFUSED, "refused", "image: how", false);
    result->end = MACHINE_UNAVAILABLE;
    read_as(&usual, GUEST_UNAVAILABLE, "unavailable", "cannot be run here: how", false);
    result->end = MACHINE_FAILED;
    result->value = 0x77;
    read_as(&usual, GUEST_FAILED, "failed", "the guest reported a failure (value 0x77)", true);
}

static void ends_that_were_asked_for(void **state)
{
    struct guest_wish until = usual;
    (void)state;
    until.until = "text";
    result->end = MACHINE_ASKED;
    end.asked = BOOT_ASKED_UNTIL;
    end.until_seen = true;
    read_as(&until, GUEST_DONE, "until", "the text 'text' has appeared", true);
    end.asked = BOOT_ASKED_TIME;
    read_as(&usual, GUEST_FAILED, "time_limit", "the guest did not end within 7 s and was stopped",
            true);
    end.asked = BOOT_ASKED_SIGNAL;
    end.signal_number = 2;
    read_as(&usual, GUEST_FAILED, "interrupted", "interrupted by signal 2 (Interrupt)", true);
    end.asked = BOOT_NOT_ASKED;
    read_as(&usual, GUEST_FAILED, "breakpoint",
            "the guest raised the emulator's magic breakpoint (XCHG BX,BX)", true);
    /* It ends by itself before the text is there, or right behind it. */
    result->end = MACHINE_DONE;
    read_as(&until, GUEST_DONE, "done", "the guest said that it is done", true);
    end.until_seen = false;
    read_as(&until, GUEST_FAILED, "done",
            "the guest said that it is done, and the text was not seen", true);
}

static void damaged(void **state)
{
    static const char stopped[] = "the core stopped before its results were complete";
    (void)state;
    header->magic++;
    read_as(&usual, GUEST_FAILED, "crashed", stopped, false);
    header->magic--;
    header->version++;
    read_as(&usual, GUEST_FAILED, "crashed", stopped, false);
    header->version--;
    header->status = RESULT_NOT_RUN;
    read_as(&usual, GUEST_FAILED, "crashed", stopped, false);
    header->status = RESULT_FAILED;
    strcpy(header->reason, "why");
    read_as(&usual, GUEST_FAILED, "crashed", "why", false);
    memset(header->reason, 'r', sizeof(header->reason)); /* it does not end */
    char all[sizeof(header->reason)] = {0};
    memset(all, 'r', sizeof(all) - 1);
    read_as(&usual, GUEST_FAILED, "crashed", all, false);
}

static void damaged_profile(void **state)
{
    static const char text[] = "the profile is damaged";
    struct profile *profile = &result->profile;
    (void)state;
    result->end = MACHINE_ENDS;
    read_as(&usual, GUEST_FAILED, "crashed", "the core stopped before its results were complete",
            false);
    result->end = MACHINE_DONE;
    profile->tsc_end = 4;
    read_as(&usual, GUEST_FAILED, "crashed", text, false);
    profile->tsc_end = 9;
    profile->slice_width = 0;
    read_as(&usual, GUEST_FAILED, "crashed", text, false);
    profile->slice_width = 1;
    profile->details[9].reason = PROBE_REASONS;
    read_as(&usual, GUEST_FAILED, "crashed", text, false);
    profile->details[9].reason = 0;
    profile->addresses[9].used = 2;
    read_as(&usual, GUEST_FAILED, "crashed", text, false);
    profile->addresses[9].used = 0;
    read_as(&usual, GUEST_DONE, "done", "the guest said that it is done", true);
}

static void no_results(void **state)
{
    char failure[] = "Bochs stopped";
    (void)state;
    end.failure = failure;
    read_as(&usual, GUEST_FAILED, "crashed", "Bochs stopped", false);
}

/* What the image wants of a plan, and room for two copies of the files. */
static void plan(void **state)
{
    static struct policy policy = {.plan = {.name = "p"}};
    struct guest_wish wish = usual;
    size_t size;
    (void)state;
    wish.image_bytes.size = 14000000;
    wish.initrd_bytes.size = 5000;
    wish.command_line = "console=ttyS0";
    wish.start = PLAN_START_LONG;
    wish.address = 0x200000;
    struct guest_layout layout = guest_layout(&wish);
    struct plan_header *made = guest_plan(&wish, &layout, &policy, PLAN_MAGIC_BREAK, &size);
    const struct plan_machine *machine =
        (const void *)((const char *)(made + 1) + sizeof(struct plan_policy));
    assert_int_equal(size, sizeof(*made) + sizeof(struct plan_policy) + sizeof(*machine));
    assert_int_equal(made->flags, PLAN_MAGIC_BREAK | PLAN_MACHINE);
    assert_int_equal(made->size, size);
    assert_int_equal(made->results_size % 4096, 0);
    assert_true(made->results_size >= REGION);
    assert_int_equal(layout.request, RESULTS_BASE + machine->result_offset);
    assert_true(machine->core_end >= RESULTS_BASE + made->results_size + 14005000);
    assert_true(layout.memory >= machine->core_end + 2 * 14005000);
    assert_int_equal(machine->start, PLAN_START_LONG);
    assert_int_equal(machine->flat_address, 0x200000);
    assert_string_equal(machine->command_line, "console=ttyS0");
    free(made);
}

#define outcome_test(function) cmocka_unit_test_setup_teardown(function, make, unmake)

int main(void)
{
    const struct CMUnitTest tests[] = {
        outcome_test(ends_of_its_own), outcome_test(ends_that_were_asked_for),
        outcome_test(damaged),         outcome_test(damaged_profile),
        outcome_test(no_results),      outcome_test(plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
