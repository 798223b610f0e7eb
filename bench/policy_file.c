/* SPDX-License-Identifier: MIT */
#include "policy_file.h"

#include "../probes/record.h"
#include "policy_show.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

bool policy_file_is(const void *data, size_t size)
{
    uint64_t magic = POLICY_FILE_MAGIC;
    return size >= sizeof(magic) && memcmp(data, &magic, sizeof(magic)) == 0;
}

struct policy_file policy_file_make(const struct policy *policy)
{
    return (struct policy_file){.magic = POLICY_FILE_MAGIC,
                                .version = PLAN_VERSION,
                                .probe_level = policy->probe_level,
                                .plan = policy->plan};
}

static char *what_is_wrong(const struct policy_file *file, size_t size)
{
    if (size < offsetof(struct policy_file, plan))
        return text("the file ends in its header");
    if (file->version != PLAN_VERSION)
        return text("it was compiled by another version of exitmeter (%u, this is %u)",
                    file->version, PLAN_VERSION);
    if (size != sizeof(*file))
        return text("the file has %zu bytes and not %zu", size, sizeof(*file));
    if (file->probe_level >= PROBE_LEVELS_PLAIN)
        return text("there is no probe level %u", file->probe_level);
    if (!memchr(file->plan.name, '\0', PLAN_NAME_SIZE))
        return text("the policy's name does not end");
    for (unsigned i = 0; i < PLAN_CPUID_HIDDEN; i++)
        if (file->plan.cpuid[i].output > 3)
            return text("it hides bits of what is no output of CPUID");
    return NULL;
}

int policy_file_read(const void *data, size_t size, struct policy *policy, char **error)
{
    struct policy_file file = {0};
    struct policy_error wrong;

    memcpy(&file, data, size < sizeof(file) ? size : sizeof(file));
    *error = what_is_wrong(&file, size);
    if (*error)
        return -1;
    struct policy read = {.plan = file.plan, .probe_level = file.probe_level};
    char *source = policy_text(&read);
    int result = policy_compile(file.plan.name, source, strlen(source), policy, &wrong);
    if (result < 0)
        *error = text("%s", wrong.message);
    else if (memcmp(&policy->plan, &read.plan, sizeof(read.plan)) != 0)
        *error = text("it says what no rule can say: controls that have no name here, "
                      "parts that are reserved, or MSRs that pass and never may");
    free(wrong.message);
    free(source);
    return *error ? -1 : 0;
}
