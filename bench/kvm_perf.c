/* SPDX-License-Identifier: MIT */
#include "kvm_perf.h"

#include "text.h"

#include <errno.h>
#include <perfmon/pfmlib_perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static void encode(struct kvm_perf_event *event)
{
    pfm_perf_encode_arg_t argument = {.attr = &event->attr, .size = sizeof(argument)};
    int result =
        pfm_get_os_event_encoding(event->name, PFM_PLM0 | PFM_PLM3, PFM_OS_PERF_EVENT, &argument);

    event->encoded = result == PFM_SUCCESS;
    if (!event->encoded)
        snprintf(event->absent, sizeof(event->absent), "libpfm4 on this CPU: %s",
                 pfm_strerror(result));
}

int kvm_perf_make(const char *events, struct kvm_perf *perf, char **error)
{
    char *list = text("%s", events), *state = NULL;

    *perf = (struct kvm_perf){0};
    *error = NULL;
    if (pfm_initialize() != PFM_SUCCESS)
        *error = text("libpfm4 cannot be initialised");
    for (char *name = strtok_r(list, ",", &state); name && !*error;
         name = strtok_r(NULL, ",", &state)) {
        struct kvm_perf_event *event = &perf->events[perf->count];
        if (perf->count == KVM_PERF_EVENTS_MAX)
            *error = text("at most %u events", KVM_PERF_EVENTS_MAX);
        else if (strlen(name) >= sizeof(event->name))
            *error = text("'%s' is no event", name);
        else {
            strcpy(event->name, name);
            encode(event);
            perf->count++;
        }
    }
    if (!*error && !perf->count)
        *error = text("no event is named");
    free(list);
    return *error ? -1 : 0;
}

static const char *in_words(int error)
{
    switch (error) {
    case EACCES:
    case EPERM:
        return "not permitted: lower /proc/sys/kernel/perf_event_paranoid, or run with CAP_PERFMON";
    case ENOENT:
    case ENODEV:
    case EOPNOTSUPP:
        return "this machine has no PMU that counts it";
    default:
        return strerror(error);
    }
}

/* The kernel tells guest from host for what a PMU counts alone. */
static bool has_sides(const struct perf_event_attr *attr)
{
    return attr->type != PERF_TYPE_SOFTWARE && attr->type != PERF_TYPE_TRACEPOINT &&
           attr->type != PERF_TYPE_BREAKPOINT;
}

static int open_one(const struct kvm_perf_event *event, enum plan_side side, char *why, size_t size)
{
    struct perf_event_attr attr = event->attr;

    if (!event->encoded) {
        snprintf(why, size, "%s", event->absent);
        return -1;
    }
    if (side == PLAN_GUEST && !has_sides(&attr)) {
        snprintf(why, size, "an event of the host's kernel, which has none in a guest");
        return -1;
    }
    attr.size = sizeof(attr);
    attr.disabled = 1;
    attr.pinned = 1; /* all of the time, or not at all */
    attr.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    attr.exclude_guest = side == PLAN_HOST && has_sides(&attr);
    attr.exclude_host = side == PLAN_GUEST;
    int file = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (file < 0)
        snprintf(why, size, "perf_event_open: %s", in_words(errno));
    return file;
}

void kvm_perf_open(const struct kvm_perf *perf, struct kvm_perf_counters *counters,
                   struct kvm_perf_absent *absent)
{
    *counters = (struct kvm_perf_counters){.count = perf ? perf->count : 0};
    for (unsigned i = 0; i < counters->count; i++)
        for (int side = 0; side < PLAN_SIDES; side++)
            counters->files[side][i] = open_one(&perf->events[i], (enum plan_side)side,
                                                absent->why[side][i], sizeof(absent->why[side][i]));
}

static void all(const struct kvm_perf_counters *counters, unsigned long request)
{
    for (unsigned i = 0; i < counters->count; i++)
        for (int side = 0; side < PLAN_SIDES; side++)
            if (counters->files[side][i] >= 0)
                (void)ioctl(counters->files[side][i], request, 0);
}

void kvm_perf_start(struct kvm_perf_counters *counters)
{
    all(counters, PERF_EVENT_IOC_RESET);
    all(counters, PERF_EVENT_IOC_ENABLE);
}

void kvm_perf_stop(struct kvm_perf_counters *counters, struct kvm_perf_counts *counts)
{
    all(counters, PERF_EVENT_IOC_DISABLE);
    for (unsigned i = 0; i < counters->count; i++)
        for (int side = 0; side < PLAN_SIDES; side++) {
            struct {
                uint64_t value, enabled, running;
            } now;
            int file = counters->files[side][i];
            counts->known[side][i] = file >= 0 &&
                                     read(file, &now, sizeof(now)) == (ssize_t)sizeof(now) &&
                                     now.running > 0 && now.running == now.enabled;
            counts->counts[side][i] = counts->known[side][i] ? now.value : 0;
        }
}
