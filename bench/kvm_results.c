/* SPDX-License-Identifier: MIT */
#include "kvm_results.h"

#include "../core/x86/instructions.h"
#include "../guests/results.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void cpuid_words(uint32_t leaf, char *to, const char *order)
{
    const struct cpuid_registers found = x86_cpuid(leaf, 0);
    const uint32_t r[] = {found.eax, found.ebx, found.ecx, found.edx};

    for (size_t i = 0; order[i]; i++)
        memcpy(to + 4 * i, &r[order[i] - 'a'], 4);
}

/* The host's CPU, which is the guests' too. */
static void describe(struct machine_facts *machine)
{
    cpuid_words(0, machine->vendor, "bdc");
    for (uint32_t i = 0; i < 3; i++)
        cpuid_words(0x80000002u + i, machine->brand + 16 * i, "abcd");
    machine->signature = x86_cpuid(1, 0).eax;
    machine->memory_bytes = GUEST_MEMORY_SIZE;
}

static const char compiler[] = "gcc " __VERSION__ " (the harness)";

char *kvm_results_make(const struct boot *boot, uint32_t jobs, char **results, char **failure)
{
    char *path = text("%s/results.bin", boot->scratch);
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    void *at = MAP_FAILED;

    if (file >= 0 && ftruncate(file, (off_t)boot->results_size) == 0)
        at = mmap(NULL, boot->results_size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (at == MAP_FAILED)
        *failure = text("cannot make room for the results: %s", strerror(errno));
    if (file >= 0)
        close(file);
    if (at == MAP_FAILED) {
        free(path);
        return NULL;
    }
    *results = at;
    struct results_header *header = at;
    *header = (struct results_header){
        .magic = RESULTS_MAGIC,
        .version = RESULTS_VERSION,
        .job_count = jobs,
        .tsc_start = x86_rdtsc(),
    };
    memcpy(header->compiler, compiler, sizeof(compiler));
    describe(&header->machine);
    return path;
}

void kvm_results_end(char *results, const char *reason)
{
    struct results_header *header = (struct results_header *)results;

    header->tsc_end = x86_rdtsc();
    header->status = reason ? RESULT_FAILED : RESULT_DONE;
    if (reason)
        snprintf(header->reason, sizeof(header->reason), "%s", reason);
}
