/* SPDX-License-Identifier: MIT */
/*
 * NMIs and exceptions in VMX root operation, before every single instruction from the VM exit to
 * the VM entry. After an NMI the guest must have run as ever, and the NMI must have been counted;
 * any other exception must end the run with a reason that names it and its place.
 */
#include "sweep.h"
#include "target.h"

#include "../../boot/apic.h"
#include "../../boot/console.h"
#include "../../boot/cpu.h"
#include "../../x86/instructions.h"
#include "../../x86/msr.h"

#include <string.h>

#define VECTOR          0x51u
#define HANDLER(vector) ((uint64_t)exception_entries + 16 * (vector))

extern const char program_exits_nmi[], exception_entries[];

static bool create(void)
{
    return sweep_create(&sweep_watched, GUEST_CODE_OF(exits),
                        (uint64_t)(program_exits_nmi - program_exits));
}

/* The second boot of these tests, with more CPUs, need not see it all again. */
static uint32_t stride_of(uint32_t stride)
{
    return target_cpus() > 1 ? 50 : stride;
}

void test_nmi_at_every_instruction(void)
{
    static const struct {
        enum vcpu_path path;
        uint32_t stride;
    } paths[] = {
        {VCPU_PATH_OFF, 1},
        {VCPU_PATH_COUNTS, 7},
        {VCPU_PATH_FULL, 1},
        {VCPU_PATH_HARDWARE, 7},
    };

    EXPECT(create());
    for (unsigned i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        uint32_t points = 0, stride = stride_of(paths[i].stride);
        sweep_watched.path = paths[i].path;
        EXPECT(!sweep_run(&sweep_watched, STEP_NMI, stride, &points));
        EXPECT(points * stride > 1000);
    }
    EXPECT(sweep_destroy(&sweep_watched));
}

void test_faults_at_every_instruction(void)
{
    static const struct {
        enum step_event event;
        uint32_t stride;
    } faults[] = {{STEP_GP, 1}, {STEP_UD, 7}, {STEP_MC, 7}};

    EXPECT(create());
    sweep_watched.path = VCPU_PATH_FULL;
    for (unsigned i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        uint32_t points = 0, stride = stride_of(faults[i].stride);
        console_choose(false, false, false); /* a report each */
        const char *wrong = sweep_run(&sweep_watched, faults[i].event, stride, &points);
        console_choose(true, false, false);
        EXPECT(!wrong);
        EXPECT(points * stride > 1000);
    }
    EXPECT(sweep_destroy(&sweep_watched));
}

/* Four instructions, which use RAX and RCX, and the guest comes by them three times. */
void test_nmi_on_the_floor(void)
{
    uint32_t points = 0;

    EXPECT(sweep_create(&sweep_watched, GUEST_CODE_OF(floor), 0));
    sweep_watched.path = VCPU_PATH_FLOOR;
    EXPECT(!sweep_run(&sweep_watched, STEP_NMI, 1, &points));
    EXPECT(points > 100);
    EXPECT(sweep_destroy(&sweep_watched));
}

static void write_what_is_refused(void *argument)
{
    *(bool *)argument = x86_wrmsr_checked(IA32_FS_BASE, 0, 1u << 31); /* not canonical */
}

static void machine_check(void *unused)
{
    (void)unused;
    __asm__ volatile("int $18");
}

/* In the #GP that a fixup answers to: it still does; in a machine check: its report is the one. */
void test_nmi_in_exception_handlers(void)
{
    struct step_found found = {.happened = true};
    uint32_t counted = platform_nmi_count(), points = 0;
    bool is_written;

    sweep_note_host();
    for (uint32_t step = 0; found.happened; step++) {
        const struct step_plan plan = {{HANDLER(13), 0}, 0, step, STEP_NMI};
        is_written = true;
        found = step_through(&plan, write_what_is_refused, &is_written);
        EXPECT(!is_written && !found.reason[0]);
        points += found.happened;
    }
    EXPECT(points > 30);
    console_choose(false, false, false);
    bool all_named = true;
    for (uint32_t step = 0; step < 3000; step += step < 100 ? 1 : 97) {
        const struct step_plan plan = {{HANDLER(18), 0}, 0, step, STEP_NMI};
        found = step_through(&plan, machine_check, NULL);
        all_named = all_named && found.happened &&
                    memcmp(found.reason, "host exception 18 (#MC) at 0x", 29) == 0;
        points += found.happened;
    }
    console_choose(true, false, false);
    EXPECT(all_named);
    EXPECT(platform_nmi_count() == counted + points);
    EXPECT(exception_nmi_taken());
}

struct taken {
    int vector;
    bool nmi;
};

/* The interrupt's IRET ends the blocking, and the NMI comes with the vector taken, unseen as yet.
 */
static void take_both(void *argument)
{
    struct taken *taken = argument;

    apic_command(apic_id(), APIC_COMMAND_ASSERT | VECTOR);
    apic_command(apic_id(), APIC_COMMAND_ASSERT | APIC_COMMAND_NMI);
    taken->vector = platform_take_interrupt();
    taken->nmi = exception_nmi_taken();
}

void test_nmi_with_an_interrupt(void)
{
    struct taken taken = {-1, false};

    step_while_nmis_are_blocked(take_both, &taken);
    platform_end_of_interrupt();
    EXPECT(taken.vector == (int)VECTOR && taken.nmi);
}

static void enter_with_an_nmi(void *argument)
{
    apic_command(apic_id(), APIC_COMMAND_ASSERT | APIC_COMMAND_NMI);
    sweep_play(argument);
}

/*
 * One that the host has blocked until it enters the guest: the guest's, by a VM exit of its own. On
 * Bochs 2.7 it stays blocked, and comes to the host behind the guest: then it waits for the next.
 */
void test_nmi_held_until_the_guest(void)
{
    static struct outcome reference;
    uint32_t counted = platform_nmi_count(), visits;

    EXPECT(create());
    sweep_watched.path = VCPU_PATH_FULL;
    EXPECT(!sweep_look(&sweep_watched, &reference, &visits));
    EXPECT(sweep_prepare(&sweep_watched));
    step_while_nmis_are_blocked(enter_with_an_nmi, &sweep_watched);
    sweep_take_down(&sweep_watched);
    uint32_t hosts = platform_nmi_count() - counted;
    EXPECT(hosts <= 1 && sweep_nmis(&sweep_watched) == 1);
    EXPECT(sweep_watched.outcome.records == reference.records + 1 - hosts);
    sweep_watched.outcome.records = reference.records;
    EXPECT(memcmp(&sweep_watched.outcome, &reference, sizeof(reference)) == 0);
    EXPECT(sweep_destroy(&sweep_watched));
}
