/* SPDX-License-Identifier: MIT */
#include "kvm_schedule.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* /proc/PID/schedstat: time on the CPU, time waiting for it, time slices. */
static bool read_waited(uint64_t *waited)
{
    FILE *file = fopen("/proc/thread-self/schedstat", "re");
    bool read = file && fscanf(file, "%*u %" SCNu64, waited) == 1;
    if (file)
        fclose(file);
    return read;
}

/* The eighth number of a CPU's line in /proc/stat. */
static bool read_stolen(int cpu, uint64_t *stolen)
{
    char line[256], name[16];
    bool read = false;
    FILE *file = fopen("/proc/stat", "re");

    snprintf(name, sizeof(name), "cpu%d ", cpu);
    while (file && !read && fgets(line, sizeof(line), file))
        read = strncmp(line, name, strlen(name)) == 0 &&
               sscanf(line + strlen(name), "%*u %*u %*u %*u %*u %*u %*u %" SCNu64, stolen) == 1;
    if (file)
        fclose(file);
    return read;
}

void kvm_schedule_read(int cpu, struct kvm_schedule *now)
{
    struct rusage usage;
    struct timespec time;

    *now = (struct kvm_schedule){0};
    now->has_waited = read_waited(&now->waited);
    now->has_stolen = read_stolen(cpu, &now->stolen);
    if (getrusage(RUSAGE_THREAD, &usage) == 0) {
        now->involuntary = (uint64_t)usage.ru_nivcsw;
        now->voluntary = (uint64_t)usage.ru_nvcsw;
    }
    clock_gettime(CLOCK_MONOTONIC, &time);
    now->wall = (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

struct kvm_schedule kvm_schedule_between(const struct kvm_schedule *before,
                                         const struct kvm_schedule *after)
{
    return (struct kvm_schedule){
        .involuntary = after->involuntary - before->involuntary,
        .voluntary = after->voluntary - before->voluntary,
        .wall = after->wall - before->wall,
        .waited = after->waited - before->waited,
        .stolen = after->stolen - before->stolen,
        .has_waited = before->has_waited && after->has_waited,
        .has_stolen = before->has_stolen && after->has_stolen,
    };
}

int kvm_schedule_cpu(const cpu_set_t *allowed, int first, unsigned number)
{
    if (first >= 0 && (first >= CPU_SETSIZE || !CPU_ISSET(first, allowed)))
        return -1;
    if (first >= 0 && number == 0)
        return first;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, allowed) && cpu != first && (first < 0 ? number-- : --number) == 0)
            return cpu;
    return -1;
}

bool kvm_schedule_pin(int cpu)
{
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    return sched_setaffinity(0, sizeof(one), &one) == 0;
}
