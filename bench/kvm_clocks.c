/* SPDX-License-Identifier: MIT */
#include "kvm_clocks.h"

#include "../core/vmx/disturbance.h"
#include "../core/x86/instructions.h"
#include "system_files.h"
#include "text.h"

#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PMU "/sys/bus/event_source/devices/msr/"

enum { APERF, MPERF, SMI, EVENTS };

static const char *const names[EVENTS] = {"aperf", "mperf", "smi"};
static int files[EVENTS] = {-1, -1, -1};

/* A number in a file of the PMU's, behind the text; -1 if there is none. */
static long number_in(const char *name, const char *before)
{
    char *path = text(PMU "%s", name), *line = system_line(path);
    char *format = text("%s%%li", before);
    long number = -1;

    if (line && sscanf(line, format, &number) != 1)
        number = -1;
    free(format);
    free(line);
    free(path);
    return number;
}

static int open_event(const char *name)
{
    char *file = text("events/%s", name);
    long type = number_in("type", ""), event = number_in(file, "event=");
    struct perf_event_attr attr = {
        .type = (uint32_t)type, .size = sizeof(attr), .config = (uint64_t)event, .pinned = 1};

    free(file);
    return type < 0 || event < 0
               ? -1
               : (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

void kvm_clocks_open(void)
{
    for (int i = 0; i < EVENTS; i++) {
        if (files[i] >= 0)
            close(files[i]);
        files[i] = open_event(names[i]);
    }
}

static bool read_event(int event, uint64_t *value)
{
    return files[event] >= 0 &&
           read(files[event], value, sizeof(*value)) == (ssize_t)sizeof(*value);
}

void disturbance_read(struct disturbance_facts *facts)
{
    uint64_t smis = 0;

    *facts = (struct disturbance_facts){0};
    facts->has_clocks = read_event(APERF, &facts->aperf) && read_event(MPERF, &facts->mperf);
    facts->has_smi_count = read_event(SMI, &smis);
    facts->smi_count = (uint32_t)smis;
    facts->tsc = x86_rdtsc();
}

void kvm_clocks_explain(struct job_validity *validity)
{
    uint32_t flags = validity->readings[VALIDITY_AFTER_OP].flags;

    if (!(flags & VALIDITY_HAS_CLOCKS))
        snprintf(validity->clocks_absent, sizeof(validity->clocks_absent),
                 "the host's kernel counts no aperf and mperf (PMU msr)");
    if (!(flags & VALIDITY_HAS_SMI_COUNT))
        snprintf(validity->smis_absent, sizeof(validity->smis_absent),
                 "the host's kernel counts no SMIs (PMU msr)");
}
