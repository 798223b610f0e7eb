/* SPDX-License-Identifier: MIT */
/*
 * policy compile: the bitmaps and controls that the core gets.
 */
#include "policy_command.h"
#include "policy_file.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BITMAP  4096u
#define QUARTER 1024u /* of the page of MSRs */
#define ROW     32u   /* bytes of a bitmap on a line */

static void print_area(const char *what, const uint8_t *bytes, size_t size)
{
    bool repeats = false;
    printf("%s\n", what);
    for (size_t at = 0; at < size; at += ROW) {
        bool same = at > 0 && at + ROW < size && memcmp(bytes + at, bytes + at - ROW, ROW) == 0;
        if (same && !repeats)
            puts("*");
        repeats = same;
        if (same)
            continue;
        printf("%04zx ", at);
        for (size_t i = 0; i < ROW; i++)
            printf("%02x", bytes[at + i]);
        putchar('\n');
    }
}

static void print_controls(const char *what, const struct plan_controls *controls)
{
    printf("%-10s set %08x, clear %08x, where offered %08x\n", what, controls->set, controls->clear,
           controls->where_offered);
}

static void print_hex(const struct policy *policy)
{
    const struct plan_policy *plan = &policy->plan;

    printf("# %s, sha256 %s; a row of bytes that repeats is *\n", plan->name, policy->sha256);
    print_controls("pin-based", &plan->pin_based);
    print_controls("primary", &plan->primary);
    print_controls("secondary", &plan->secondary);
    printf("exceptions %08x\n", plan->exception_bitmap);
    printf("masks      cr0 %08x, cr4 %08x\n", plan->cr0_mask, plan->cr4_mask);
    print_area("MSR bitmap, reads of 0x0-0x1fff", plan->msr_bitmap, QUARTER);
    print_area("MSR bitmap, reads of 0xc0000000-0xc0001fff", plan->msr_bitmap + QUARTER, QUARTER);
    print_area("MSR bitmap, writes of 0x0-0x1fff", plan->msr_bitmap + 2 * QUARTER, QUARTER);
    print_area("MSR bitmap, writes of 0xc0000000-0xc0001fff", plan->msr_bitmap + 3 * QUARTER,
               QUARTER);
    print_area("I/O bitmap A, ports 0x0000-0x7fff", plan->io_bitmap_a, BITMAP);
    print_area("I/O bitmap B, ports 0x8000-0xffff", plan->io_bitmap_b, BITMAP);
    print_area("MSRs that are emulated, and from 0800 on refused", plan->msr_answers, BITMAP);
    print_area("ports that are emulated", plan->port_emulated, 2 * BITMAP);
}

static json_t *controls_json(const struct plan_controls *controls)
{
    return json_pack("{s:I, s:I, s:I}", "set", (json_int_t)controls->set, "clear",
                     (json_int_t)controls->clear, "where_offered",
                     (json_int_t)controls->where_offered);
}

static json_t *bitmap_json(const uint8_t *bitmap, size_t size)
{
    char digits[4 * BITMAP + 1];
    for (size_t i = 0; i < size; i++)
        snprintf(digits + 2 * i, 3, "%02x", bitmap[i]);
    return json_string(digits);
}

static json_t *hidden_json(const struct plan_policy *plan)
{
    static const char *const outputs[] = {"eax", "ebx", "ecx", "edx"};
    json_t *list = json_array();
    for (unsigned i = 0; i < PLAN_CPUID_HIDDEN; i++) {
        const struct plan_cpuid_hidden *hidden = &plan->cpuid[i];
        if (!hidden->bits)
            continue;
        json_t *item = json_pack("{s:I, s:s, s:I}", "leaf", (json_int_t)hidden->leaf, "output",
                                 outputs[hidden->output % 4], "bits", (json_int_t)hidden->bits);
        json_object_set_new(item, "subleaf",
                            hidden->subleaf == PLAN_ANY_SUBLEAF
                                ? json_null()
                                : json_integer((json_int_t)hidden->subleaf));
        json_array_append_new(list, item);
    }
    return list;
}

static json_t *policy_json(const struct policy *policy)
{
    const struct plan_policy *plan = &policy->plan;
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:{s:o, s:o, s:o}, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o}",
        "schema", "exitmeter.policy/1", "name", plan->name, "sha256", policy->sha256, "probe_level",
        probe_level_name(policy->probe_level), "controls", "pin_based",
        controls_json(&plan->pin_based), "primary", controls_json(&plan->primary), "secondary",
        controls_json(&plan->secondary), "exception_bitmap", (json_int_t)plan->exception_bitmap,
        "cr0_mask", (json_int_t)plan->cr0_mask, "cr4_mask", (json_int_t)plan->cr4_mask,
        "cpuid_hidden", hidden_json(plan), "msr_bitmap", bitmap_json(plan->msr_bitmap, BITMAP),
        "io_bitmap_a", bitmap_json(plan->io_bitmap_a, BITMAP), "io_bitmap_b",
        bitmap_json(plan->io_bitmap_b, BITMAP), "msr_answers",
        bitmap_json(plan->msr_answers, BITMAP), "port_emulated",
        bitmap_json(plan->port_emulated, 2 * BITMAP));
}

static int write_file(const struct command *command, const char *path, const struct policy *policy)
{
    struct policy_file file = policy_file_make(policy);
    if (file_write_whole(path, &file, sizeof(file)) == 0)
        return CODE_DONE;
    say("%s: %s: %s", command->name, path, strerror(errno));
    return CODE_USAGE;
}

int command_policy_compile(const struct command *command, int argc, const char **argv)
{
    int hex = 0, json = 0, code;
    char *name = NULL, *path = NULL;
    struct policy policy;
    const struct poptOption options[] = {
        {"output", 'o', POPT_ARG_STRING, &path, 0, "write the compiled policy to this file",
         "FILE"},
        {"hex", '\0', POPT_ARG_NONE, &hex, 0, "print its bytes (what it does if nothing is asked)",
         NULL},
        {"json", '\0', POPT_ARG_NONE, &json, 0, "print one JSON document", NULL},
        POPT_TABLEEND,
    };
    if (options_read_operand(command, argc, argv, options, "POLICY [OPTION]...", &name, &code)) {
        code = CODE_USAGE;
        if (hex && json)
            say("%s: --hex or --json, not both", command->name);
        else if (policy_wanted(command, name, &policy)) {
            code = path ? write_file(command, path, &policy) : CODE_DONE;
            if (code == CODE_DONE && json)
                policy_print(policy_json(&policy));
            else if (code == CODE_DONE && (hex || !path))
                print_hex(&policy);
        }
    }
    free(name);
    free(path);
    return code;
}
