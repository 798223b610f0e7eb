/* SPDX-License-Identifier: MIT */
#include "simulated_platform.h"

#include "simulated_cpu.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Above every user-space address, and with it no longer canonical. */
#define PHYSICAL_MARK   (1ull << 47)
#define ALLOCATIONS_MAX 8192

static struct allocation {
    char *pages;
    size_t count;
} allocations[ALLOCATIONS_MAX];
static size_t allocation_count;
static unsigned calls, failing;
static bool nmi_is_hosts, nmi_waits;
static uint32_t nmi_count;
static char text[65536];
static size_t text_length;

void simulated_platform_reset(void)
{
    for (size_t i = 0; i < allocation_count; i++)
        free(allocations[i].pages);
    allocation_count = 0;
    calls = failing = 0;
    simulated_host = (struct simulated_host){0};
    nmi_is_hosts = nmi_waits = false;
    nmi_count = 0;
    simulated_log_clear();
}

void simulated_pages_fail(unsigned n)
{
    failing = n;
}

unsigned simulated_pages_calls(void)
{
    return calls;
}

size_t simulated_pages_held(void)
{
    return allocation_count;
}

static const struct allocation *allocation_of(uintptr_t address)
{
    for (size_t i = 0; i < allocation_count; i++)
        if (address - (uintptr_t)allocations[i].pages < allocations[i].count * PAGE_SIZE)
            return &allocations[i];
    return NULL;
}

bool simulated_is_allocated(uint64_t physical)
{
    return physical & PHYSICAL_MARK && allocation_of(physical & ~PHYSICAL_MARK);
}

void *platform_pages_allocate(size_t count, uint64_t alignment)
{
    calls++;
    if (!count || alignment < PAGE_SIZE || alignment & (alignment - 1))
        simulated_fault("allocation of %zu pages at a multiple of %llu", count,
                        (unsigned long long)alignment);
    if ((failing && !--failing) || allocation_count == ALLOCATIONS_MAX)
        return NULL;
    size_t bytes = count * PAGE_SIZE;
    char *pages = aligned_alloc(alignment, (bytes + alignment - 1) & ~(alignment - 1));
    if (!pages)
        abort();
    memset(pages, 0, bytes);
    allocations[allocation_count++] = (struct allocation){pages, count};
    return pages;
}

void platform_pages_free(void *pages, size_t count)
{
    if (!pages)
        return;
    for (size_t i = 0; i < allocation_count; i++)
        if (allocations[i].pages == pages) {
            if (allocations[i].count != count)
                simulated_fault("%zu pages freed of %zu", count, allocations[i].count);
            simulated_vmx_forget((uintptr_t)pages | PHYSICAL_MARK, count * PAGE_SIZE);
            free(pages);
            allocations[i] = allocations[--allocation_count];
            return;
        }
    simulated_fault("memory freed that was not allocated, or twice");
}

uint64_t platform_physical(const void *address)
{
    if (!allocation_of((uintptr_t)address))
        simulated_fault("physical address asked of memory that is not the platform's");
    return (uintptr_t)address | PHYSICAL_MARK;
}

void *platform_at(uint64_t physical)
{
    if (!simulated_is_allocated(physical))
        simulated_fault("0x%llx taken for a physical address", (unsigned long long)physical);
    return (void *)(uintptr_t)(physical & ~PHYSICAL_MARK);
}

struct simulated_host simulated_host;

bool platform_interrupt(uint8_t vector)
{
    return simulated_host.vector && vector == simulated_host.vector;
}

int platform_take_interrupt(void)
{
    int vector = simulated_host.takes ? simulated_host.takes : -1;
    simulated_host.takes = 0;
    return vector;
}

void platform_apic_is_guests(bool guests, bool anew)
{
    simulated_host.apic_is_guests = guests;
    simulated_host.anew += anew;
}

void platform_end_of_interrupt(void)
{
    simulated_host.ended++;
}

void platform_timer(uint64_t tsc)
{
    if (simulated_host.apic_is_guests)
        simulated_fault("the host's timer set while its APIC is the guest's");
    simulated_host.timer = tsc;
    simulated_host.timers++;
}

bool platform_nmi(void)
{
    return nmi_is_hosts;
}

bool platform_nmi_waits(void)
{
    bool waits = nmi_waits;
    nmi_waits = false;
    return waits;
}

uint32_t platform_nmi_count(void)
{
    return nmi_count;
}

void simulated_nmis_come(uint32_t more)
{
    nmi_count += more;
}

void simulated_nmi_set(bool is_hosts, bool waits)
{
    nmi_is_hosts = is_hosts;
    nmi_waits = waits;
}

uint32_t platform_cpu_number(void)
{
    return simulated_cpu.number;
}

void platform_kick(uint32_t cpu)
{
    if (cpu >= PLATFORM_CPUS_MAX || cpu == simulated_cpu.number)
        simulated_fault("CPU %u kicked by CPU %u", cpu, simulated_cpu.number);
    else {
        simulated_host.kicked |= 1ull << cpu;
        simulated_host.kicks++;
    }
}

void platform_log(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text + text_length, sizeof(text) - text_length, format, arguments);
    va_end(arguments);
    text_length += (size_t)length;
    if (text_length >= sizeof(text)) {
        simulated_fault("the log is full");
        text_length = sizeof(text) - 1;
    }
}

const char *simulated_log(void)
{
    return text;
}

bool simulated_log_has(const char *part)
{
    return strstr(text, part) != NULL;
}

void simulated_log_clear(void)
{
    text_length = 0;
    text[0] = '\0';
}
