/* SPDX-License-Identifier: MIT */
/* Which rule decides on an exit, what passes, and what that is predicted to save. */
#include "tests.h"

#include "../../core/vmx/exit_reason.h"
#include "../policy_derive.h"
#include "../policy_derive_item.h"
#include "../text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As intercept-all, which unit tests have no place to load from. */
static const char everything[] =
    "default exception intercept\ndefault cr0 intercept\ndefault cr4 intercept\n"
    "control external-interrupt-exiting on\ncontrol hlt-exiting on\ncontrol invlpg-exiting on\n"
    "control mwait-exiting on\ncontrol monitor-exiting on\ncontrol rdpmc-exiting on\n"
    "control cr3-load-exiting on\ncontrol cr3-store-exiting on\ncontrol cr8-load-exiting on\n"
    "control cr8-store-exiting on\ncontrol mov-dr-exiting on\n"
    "control pause-exiting where-offered\ncontrol descriptor-table-exiting where-offered\n"
    "control wbinvd-exiting where-offered\ncontrol rdrand-exiting where-offered\n"
    "control rdseed-exiting where-offered\n";

#define LIST 16u
static struct derive_exits list[LIST];
static struct derive_run run;
static struct derived derived;

static int make(void **state)
{
    struct policy_error error;
    (void)state;
    memset(list, 0, sizeof(list));
    run = (struct derive_run){
        .image = (char *)"guest",
        .unit = (char *)"ticks",
        .has_transition = true,
        .transition = 10,
        .is_exact = true,
        .list = list,
        .guest = 1000000,
    };
    assert_int_equal(policy_compile("all", everything, strlen(everything), &run.policy, &error), 0);
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    derived_free(&derived);
    return 0;
}

static struct derive_exits *exits(unsigned reason, uint64_t detail, uint64_t count, uint64_t ticks)
{
    struct derive_exits *next = &list[run.count++];
    *next = (struct derive_exits){.reason = reason,
                                  .is_said = detail != PROFILE_NOT_SAID,
                                  .detail = detail,
                                  .count = count,
                                  .ticks = ticks};
    run.exits += count;
    run.host += ticks;
    return next;
}

static void derive(enum severity most)
{
    char *error;
    if (policy_derive(&run, most, &derived, &error) < 0)
        fail_msg("%s", error);
}

static const struct derive_item *item(const char *what)
{
    for (size_t i = 0; i < derived.count; i++)
        if (strcmp(derived.items[i].what, what) == 0)
            return &derived.items[i];
    fail_msg("no item %s", what);
    return NULL;
}

static void each_exit_has_its_rule(void **state)
{
    static const struct {
        unsigned reason;
        uint64_t detail;
        const char *what;
    } known[] = {
        {EXIT_REASON_RDMSR, 0xe7, "msr 0xe7 IA32_MPERF r"},
        {EXIT_REASON_WRMSR, 0xc0000080, "msr 0xc0000080 IA32_EFER w"},
        {EXIT_REASON_RDMSR, 0x2000, "RDMSR"},
        {EXIT_REASON_RDMSR, PROFILE_NOT_SAID, "RDMSR"},
        {EXIT_REASON_RDMSR, 0x1000000e7, "RDMSR"},
        {EXIT_REASON_IO, 0x3fd0008, "io 0x3fd com1"},
        {EXIT_REASON_IO, 0x3fd0000, "io 0x3fd com1"},
        {EXIT_REASON_IO, 0xcfc000b, "io 0xcfc-0xcff pci-config"},
        {EXIT_REASON_IO, 0x3fd000a, "I/O instruction"}, /* 3 bytes */
        {EXIT_REASON_IO, 0xffff0003, "I/O instruction"},
        {EXIT_REASON_EXCEPTION_OR_NMI, 0x80000b0e, "exception pf"},
        {EXIT_REASON_EXCEPTION_OR_NMI, 0x80000202, "exception or NMI"},
        {EXIT_REASON_EXCEPTION_OR_NMI, 0x80000312, "exception or NMI"},
        {EXIT_REASON_EXCEPTION_OR_NMI, 0x800003ff, "exception or NMI"},
        {EXIT_REASON_CR_ACCESS, 0x003, "control cr3-load-exiting"},
        {EXIT_REASON_CR_ACCESS, 0x513, "control cr3-store-exiting"},
        {EXIT_REASON_CR_ACCESS, 0x008, "control cr8-load-exiting"},
        {EXIT_REASON_CR_ACCESS, 0x018, "control cr8-store-exiting"},
        {EXIT_REASON_CR_ACCESS, 0x020, "cr0 3 TS"},
        {EXIT_REASON_CR_ACCESS, 0x000, "control-register access"},
        {EXIT_REASON_CR_ACCESS, 0x004, "control-register access"},
        {EXIT_REASON_CR_ACCESS, 0x030, "control-register access"},
        {EXIT_REASON_HLT, PROFILE_NOT_SAID, "control hlt-exiting"},
        {EXIT_REASON_PAUSE, PROFILE_NOT_SAID, "control pause-exiting"},
        {EXIT_REASON_INVLPG, 0x1000, "control invlpg-exiting"},
        {EXIT_REASON_INVPCID, 2, "control invlpg-exiting"},
        {EXIT_REASON_RDTSCP, PROFILE_NOT_SAID, "control rdtsc-exiting"},
        {EXIT_REASON_GDTR_OR_IDTR, 1, "control descriptor-table-exiting"},
        {EXIT_REASON_LDTR_OR_TR, 1, "control descriptor-table-exiting"},
        {EXIT_REASON_EXTERNAL_INTERRUPT, 0xec, "control external-interrupt-exiting"},
        {EXIT_REASON_INTERRUPT_WINDOW, PROFILE_NOT_SAID, "control external-interrupt-exiting"},
        {EXIT_REASON_CPUID, 1, "CPUID"},
        {EXIT_REASON_EPT_VIOLATION, 0x1000, "EPT violation"},
        {EXIT_REASON_XSETBV, 7, "XSETBV"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        struct derive_exits one = {.reason = known[i].reason,
                                   .is_said = known[i].detail != PROFILE_NOT_SAID,
                                   .detail = known[i].detail};
        struct derive_item found = derive_item_of(&one);
        char *what = derive_item_text(&found);
        assert_string_equal(what, known[i].what);
        assert_int_equal(found.kind == DERIVE_NO_RULE, found.why != NULL);
        free(what);
    }
}

static void what_is_dangerous_stays(void **state)
{
    (void)state;
    exits(EXIT_REASON_RDMSR, 0xe7, 100, 8000);     /* low */
    exits(EXIT_REASON_IO, 0x3fd0008, 50, 14000);   /* medium */
    exits(EXIT_REASON_WRMSR, 0x6e0, 10, 1000);     /* high */
    exits(EXIT_REASON_IO, 0xcfc0008, 5, 1400);     /* critical */
    exits(EXIT_REASON_CR_ACCESS, 0x003, 20, 4000); /* nothing known */
    exits(EXIT_REASON_CPUID, 1, 7, 700);
    derive(SEVERITY_LOW);
    assert_int_equal(item("msr 0xe7 IA32_MPERF r")->verdict, DERIVE_PASSES);
    assert_int_equal(item("control cr3-load-exiting")->verdict, DERIVE_PASSES);
    assert_false(item("control cr3-load-exiting")->is_audited);
    assert_int_equal(item("io 0x3fd com1")->verdict, DERIVE_DANGEROUS);
    assert_int_equal(item("io 0x3fd com1")->severity, SEVERITY_MEDIUM);
    assert_int_equal(item("CPUID")->verdict, DERIVE_STAYS);
    assert_false(policy_msr_exits(&derived.policy.plan, 0xe7, false));
    assert_true(policy_msr_exits(&derived.policy.plan, 0xe7, true));  /* was not used */
    assert_true(policy_msr_exits(&derived.policy.plan, 0xe8, false)); /* nor was it */
    assert_true(policy_io_exits(&derived.policy.plan, 0x3fd, 1));
    derived_free(&derived);

    derive(SEVERITY_HIGH);
    assert_false(policy_io_exits(&derived.policy.plan, 0x3fd, 1));
    assert_true(policy_io_exits(&derived.policy.plan, 0x3f8, 1));
    assert_false(policy_msr_exits(&derived.policy.plan, 0x6e0, true));
    assert_true(policy_io_exits(&derived.policy.plan, 0xcfc, 1));
    assert_int_equal(derived.passing, 4);
    assert_non_null(strstr(derived.text, "\n# stays: io 0xcfc pci-config, 5 exits, 1400 ticks of "
                                         "the core; critical: configures every PCI device"));
    assert_non_null(strstr(derived.text, "\npassthrough msr IA32_MPERF r  # 100 exits, saves 8900; "
                                         "low: "));
    derived_free(&derived);
    derive(SEVERITY_CRITICAL);
    assert_false(policy_io_exits(&derived.policy.plan, 0xcfc, 1));
}

/* Each saves the core's ticks and the transition, less the tick of the instruction. */
static void what_it_saves(void **state)
{
    (void)state;
    exits(EXIT_REASON_RDMSR, 0xe7, 100, 8000);
    exits(EXIT_REASON_RDMSR, 0xe7, 1, 90); /* another detail of the same item */
    exits(EXIT_REASON_WRMSR, 0x6e0, 10, 1000);
    derive(SEVERITY_MEDIUM);
    assert_int_equal(item("msr 0xe7 IA32_MPERF r")->saves, 8090 + 101 * 9);
    assert_int_equal(derived.saves, 8090 + 101 * 9);
    assert_int_equal(derived.before.exits, 111);
    assert_int_equal(derived.before.exit_ticks, 9090 + 111 * 9);
    assert_int_equal(derived.after.exits, 10);
    assert_int_equal(derived.after.exit_ticks, 1000 + 10 * 9);
    assert_int_equal(derived.before.run_time, 1000000 + 9090);
    assert_int_equal(derived.after.run_time, 1000000 + 9090 - (8090 + 101 * 9));
    derived_free(&derived);
    /* In cycles nobody knows what the instruction takes. */
    run.is_exact = false;
    derive(SEVERITY_MEDIUM);
    assert_int_equal(derived.saves, 8090 + 101 * 10);
    assert_non_null(strstr(derived.text, "saves at most 9100;"));
}

static void loops_that_wait(void **state)
{
    (void)state;
    exits(EXIT_REASON_PAUSE, PROFILE_NOT_SAID, 100, 6000)->waiting =
        (struct profile_wait){90, 5400, 9000};
    exits(EXIT_REASON_IO, 0xb0080008, 100, 30000)->waiting =
        (struct profile_wait){100, 30000, 36000}; /* critical */
    derive(SEVERITY_MEDIUM);
    const uint64_t waiting = 5400 + 90 * 9, polls = 30000 + 100 * 9;
    assert_int_equal(derived.saves, 6000 + 100 * 9);
    assert_int_equal(derived.saves_waiting, waiting);
    /* The loops take as long, and only what is outside of them is gone. */
    assert_int_equal(derived.after.run_time, derived.before.run_time - (derived.saves - waiting));
    assert_int_equal(derived.polls, 100);
    assert_int_equal(derived.poll_ticks, polls);
    assert_int_equal(derived.more_polls, polls * waiting / (45000 - waiting));
    assert_non_null(strstr(derived.text, "# Not predicted: 100 exits that stay, 30900 ticks"));
}

static void what_cannot_pass(void **state)
{
    static const struct machine_kept kept = {0x64, 0x64};
    struct policy_error error;
    char source[2048];
    (void)state;
    run.kept[0] = kept;
    run.kept_count = 1;
    snprintf(source, sizeof(source), "%semulate io 0x80\nrefuse msr 0x17\n", everything);
    assert_int_equal(policy_compile("all", source, strlen(source), &run.policy, &error), 0);
    exits(EXIT_REASON_IO, 0x640008, 5, 1000);
    exits(EXIT_REASON_IO, 0x630009, 5, 1000);
    exits(EXIT_REASON_IO, 0x800000, 5, 1000);
    exits(EXIT_REASON_RDMSR, 0x17, 5, 1000);
    exits(EXIT_REASON_WRMSR, 0x1b, 5, 1000);
    exits(EXIT_REASON_RDMSR, 0x3a, 5, 1000);
    exits(EXIT_REASON_RDMSR, 0x48c, 5, 1000);
    exits(EXIT_REASON_WRMSR, audit_never[0].first, 5, 1000);
    derive(SEVERITY_CRITICAL);
    assert_int_equal(derived.passing, 0);
    assert_int_equal(derived.saves, 0);
    for (size_t i = 0; i < derived.count; i++)
        assert_int_equal(derived.items[i].verdict, DERIVE_STAYS);
    assert_memory_equal(&derived.policy.plan.msr_bitmap, &run.policy.plan.msr_bitmap, 12288);
    assert_memory_equal(&derived.policy.plan.msr_answers, &run.policy.plan.msr_answers, 12288);
}

/* Whatever the guest did: the text compiles, and the audit holds it at each severity. */
static void at_every_severity(void **state)
{
    uint64_t random = 1;
    (void)state;
    for (int round = 0; round < 40; round++) {
        make(NULL);
        for (unsigned i = 0; i < LIST; i++) {
            static const unsigned reasons[] = {EXIT_REASON_RDMSR,
                                               EXIT_REASON_WRMSR,
                                               EXIT_REASON_IO,
                                               EXIT_REASON_CR_ACCESS,
                                               EXIT_REASON_EXCEPTION_OR_NMI,
                                               EXIT_REASON_HLT,
                                               EXIT_REASON_EXTERNAL_INTERRUPT,
                                               EXIT_REASON_RDRAND,
                                               EXIT_REASON_WBINVD,
                                               EXIT_REASON_MWAIT};
            unsigned reason = reasons[random_below(&random, 10)];
            uint64_t detail = random_below(&random, 0x1000);
            if (reason == EXIT_REASON_IO)
                detail = (uint64_t)random_below(&random, 0x10000) << 16 | (detail & 0xb);
            exits(reason, detail, 1 + random_below(&random, 1000), random_below(&random, 100000));
        }
        for (int most = 0; most < SEVERITIES; most++) {
            struct audit_finding *findings;
            derive((enum severity)most);
            size_t count = policy_audit(&derived.policy.plan, &findings);
            for (size_t i = 0; i < count; i++)
                assert_true((int)findings[i].severity <= most);
            audit_free(findings, count);
            if (most == SEVERITY_CRITICAL)
                for (size_t i = derived.passing; i < derived.count; i++)
                    assert_int_equal(derived.items[i].verdict, DERIVE_STAYS);
            derived_free(&derived);
        }
    }
}

static void the_runs_own_policy_is_audited_too(void **state)
{
    struct policy_error error;
    char *why;
    (void)state;
    static const char open[] = "control hlt-exiting on\n";
    assert_int_equal(policy_compile("open", open, strlen(open), &run.policy, &error), 0);
    assert_int_equal(policy_derive(&run, SEVERITY_LOW, &derived, &why), -1);
    assert_non_null(strstr(why, "under the run's own policy open: "));
    free(why);
}

#define derive_test(function) cmocka_unit_test_setup_teardown(function, make, unmake)

int main(void)
{
    const struct CMUnitTest tests[] = {
        derive_test(each_exit_has_its_rule),
        derive_test(what_is_dangerous_stays),
        derive_test(what_it_saves),
        derive_test(loops_that_wait),
        derive_test(what_cannot_pass),
        derive_test(at_every_severity),
        derive_test(the_runs_own_policy_is_audited_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
