/* SPDX-License-Identifier: MIT */
/* What is said of a monitor from inside of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../vm_monitor.h"

#include <string.h>

static const char *name_of(const struct monitor *monitor)
{
    return json_string_value(json_object_get(monitor->facts, "name"));
}

/* Whether a note tells that the figures are an interpreter's. */
static bool warns(const struct monitor *monitor)
{
    size_t index;
    json_t *note;

    json_array_foreach(
        json_object_get(monitor->facts, "notes"), index,
        note) if (strstr(json_string_value(note), "NOT COSTS OF VM EXITS")) return true;
    return false;
}

static void by_its_signature(void **state)
{
    struct results_header header = {.job_count = 2};
    (void)state;

    memcpy(header.machine.hypervisor, "KVMKVMKVM", 9);
    struct monitor *monitor = vm_monitor(&header, "kvm");
    assert_string_equal(name_of(monitor), "KVMKVMKVM");
    assert_true(monitor->guesses && monitor->job_count == 2 && !warns(monitor));
    monitor_free(monitor);
}

static void none_says_that_it_is_there(void **state)
{
    const struct results_header header = {0};
    (void)state;

    struct monitor *monitor = vm_monitor(&header, NULL);
    assert_string_equal(name_of(monitor), "unknown");
    assert_true(json_is_null(json_object_get(monitor->facts, "accelerator")));
    monitor_free(monitor);
}

/* Of a capture nobody knows who ran the image, but TCG itself says so. */
static void an_interpreter_is_no_monitor(void **state)
{
    struct results_header header = {0};
    (void)state;

    struct monitor *monitor = vm_monitor(&header, "tcg");
    assert_true(warns(monitor) && !monitor->guesses);
    monitor_free(monitor);
    memcpy(header.machine.hypervisor, "TCGTCGTCGTCG", 12);
    monitor = vm_monitor(&header, NULL);
    assert_true(warns(monitor) && !monitor->guesses);
    monitor_free(monitor);
}

/* The bytes come out of a machine. */
static void a_signature_is_made_printable(void **state)
{
    struct results_header header = {0};
    (void)state;

    memset(header.machine.hypervisor, 0x1b, sizeof(header.machine.hypervisor));
    struct monitor *monitor = vm_monitor(&header, NULL);
    assert_int_equal(strlen(name_of(monitor)), sizeof(header.machine.hypervisor));
    assert_null(strchr(name_of(monitor), 0x1b));
    monitor_free(monitor);
}

static void what_seems_to_exit(void **state)
{
    (void)state;
    assert_null(monitor_seems(5000, 100)); /* CPUID as on a bare CPU */
    assert_null(monitor_seems(5000, 400));
    assert_string_equal(monitor_seems(1200, 1200), "exit");
    assert_string_equal(monitor_seems(900, 1200), "exit");
    assert_string_equal(monitor_seems(899, 1200), "unclear");
    assert_string_equal(monitor_seems(600, 1200), "unclear");
    assert_string_equal(monitor_seems(599, 1200), "no exit");
    assert_string_equal(monitor_seems(-30, 1200), "no exit");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_its_signature),
        cmocka_unit_test(none_says_that_it_is_there),
        cmocka_unit_test(an_interpreter_is_no_monitor),
        cmocka_unit_test(a_signature_is_made_printable),
        cmocka_unit_test(what_seems_to_exit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
