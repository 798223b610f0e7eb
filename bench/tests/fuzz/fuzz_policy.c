/* SPDX-License-Identifier: MIT */
/*
 * The policy language and compiled policies under libFuzzer: `make fuzz`. A text that compiles is
 * shown as a text that compiles to the same policy; what is refused has a place in the text and a
 * message; and a compiled policy that is read is one that some text compiles to.
 */
#include "../../policy_audit.h"
#include "../../policy_file.h"
#include "../../policy_show.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void round_trip(const struct policy *policy)
{
    struct policy again;
    struct policy_error error = {0};
    char *shown = policy_text(policy);

    require(policy_compile(policy->plan.name, shown, strlen(shown), &again, &error) == 0);
    require(memcmp(&policy->plan, &again.plan, sizeof(again.plan)) == 0);
    require(policy->probe_level == again.probe_level);
    require(strcmp(policy->sha256, again.sha256) == 0);
    free(shown);
}

static void text(const uint8_t *data, size_t size)
{
    struct policy policy;
    struct policy_error error = {0};

    if (policy_compile("fuzzed", (const char *)data, size, &policy, &error) == 0) {
        round_trip(&policy);
        return;
    }
    require(error.message && *error.message);
    require(error.line > 0 && error.column > 0);
    free(error.message);
}

/* The input changes a file that is right, as few random ones would be: places and bytes. */
static void compiled(const uint8_t *data, size_t size)
{
    static const char source[] = "default msr intercept\nemulate io 0x60\nhide cpuid 7 ebx 3\n";
    static struct policy right;
    struct policy read;
    struct policy_error error = {0};
    char *refusal = NULL;

    if (!*right.sha256)
        require(policy_compile("fuzzed", source, sizeof(source) - 1, &right, &error) == 0);
    struct policy_file file = policy_file_make(&right);
    for (; size >= 3; data += 3, size -= 3)
        ((uint8_t *)&file)[(data[0] | data[1] << 8) % sizeof(file)] = data[2];
    if (policy_file_read(&file, sizeof(file) - size, &read, &refusal) == 0)
        round_trip(&read);
    else
        require(refusal && *refusal);
    free(refusal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && data[0] == 1)
        compiled(data + 1, size - 1);
    else
        text(data, size);
    return 0;
}
