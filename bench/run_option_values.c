/* SPDX-License-Identifier: MIT */
#include "run_option_values.h"

#include "guest_console.h"
#include "text.h"

#include <ctype.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES_DEFAULT  1000
#define TIMEOUT_DEFAULT  60.0
#define TIMEOUT_GUEST    600.0
#define PARALLEL_MOST    1024
#define HOST_TIMER_LEAST 1000 /* or a guest would hardly get anywhere between two */

/* CPUs that this process may use. */
static uint32_t cores_here(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof(set), &set) == 0 ? (uint32_t)CPU_COUNT(&set) : 1;
}

/* A number that an option gives, or the default if the option was not given. */
static bool read_number(const char *option, const char *given, double low, double high,
                        double *value)
{
    char *end = NULL;
    double number = given ? strtod(given, &end) : *value;
    if (given && (end == given || *end || !(number >= low && number <= high))) {
        say("run: --%s takes a number from %g to %.0f, not '%s'", option, low, high, given);
        return false;
    }
    *value = number;
    return true;
}

/* The same for what can only be counted. */
static bool read_count(const char *option, const char *given, uint32_t most, uint32_t *count)
{
    double number = *count;
    if (!read_number(option, given, 1, most, &number))
        return false;
    *count = (uint32_t)number;
    if (*count == number)
        return true;
    say("run: --%s takes a whole number", option);
    return false;
}

static bool read_numbers(struct run_options *options)
{
    double host_timer = 0, pin = -1;
    options->samples = SAMPLES_DEFAULT;
    options->rounds = options->cpus = 1;
    options->parallel = cores_here();
    options->timeout = options->image ? TIMEOUT_GUEST : TIMEOUT_DEFAULT;
    bool read =
        read_count("samples", options->samples_given, GUEST_SAMPLES_MAX, &options->samples) &&
        read_count("rounds", options->rounds_given, PLAN_ROUNDS_MAX, &options->rounds) &&
        read_count("parallel", options->parallel_given, PARALLEL_MOST, &options->parallel) &&
        read_count("cpus", options->cpus_given, PLAN_CPUS_MAX, &options->cpus) &&
        read_number("timeout", options->timeout_given, 0.001, 86400, &options->timeout) &&
        read_number("host-timer", options->host_timer_given, HOST_TIMER_LEAST, 4e9, &host_timer) &&
        read_number("pin", options->pin_given, 0, CPU_SETSIZE - 1, &pin);
    options->host_timer = (uint64_t)host_timer;
    options->pin = (int)pin;
    if (read && options->pin != pin) {
        say("run: --pin takes a whole number");
        return false;
    }
    return read;
}

static bool read_image_values(struct run_options *options)
{
    char *end = NULL;

    if (options->address_given) {
        errno = 0;
        options->address = strtoull(options->address_given, &end, 0);
        if (errno || !isdigit((unsigned char)*options->address_given) || *end ||
            !options->address) {
            say("run: --address takes an address above 0, as in C, not '%s'",
                options->address_given);
            return false;
        }
    }
    if (options->command_line && strlen(options->command_line) >= PLAN_COMMAND_LINE) {
        say("run: --cmdline has %zu bytes; at most %u fit", strlen(options->command_line),
            PLAN_COMMAND_LINE - 1);
        return false;
    }
    if (options->until && (!*options->until || strlen(options->until) > GUEST_CONSOLE_UNTIL_MAX)) {
        say("run: --until takes 1 to %u bytes", GUEST_CONSOLE_UNTIL_MAX);
        return false;
    }
    return true;
}

bool run_option_values_read(struct run_options *options)
{
    return read_image_values(options) && read_numbers(options);
}
