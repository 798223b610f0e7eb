/* SPDX-License-Identifier: MIT */
/*
 * CPUID, measured, while the second CPU is anything but quiet: it takes exits of its own all the
 * time, and in some rows sends one NMI, by the CPU's own local APIC, once the measuring is half
 * done. Where that strikes differs by row: nearly always the host, which spends longer on a CPUID.
 */
#include "../blob/delivery.h"
#include "../blob/exception.h"
#include "../blob/row.h"

#define HALF 500u /* of the default's samples, and more than the counting phases have */

static volatile uint32_t ready, quit, measured, first_id;

static void storm(void)
{
    __asm__ volatile("cpuid; wbinvd" : : "a"(0), "c"(0) : "rbx", "rdx", "memory");
}

static void other(uint32_t delay)
{
    __asm__ volatile("sti"); /* Bochs 2.7 exits for no kick of the host's while IF is 0 all along */
    ready = 1;
    for (uint32_t sent = delay == UINT32_MAX; !quit;) {
        storm();
        if (sent || measured < HALF)
            continue;
        sent = 1;
        for (volatile uint32_t i = 0; i < delay; i++)
            ;
        try_wrmsr(X2APIC_ICR, (uint64_t)first_id << 32 | 0x4400);
    }
    __asm__ volatile("cli");
    ready = 0;
}

static void calm(void)
{
    other(UINT32_MAX);
}

static void one_nmi(void)
{
    other(1);
}

static void later(void)
{
    other(6);
}

static void latest(void)
{
    other(17);
}

static void begin(void)
{
    uint64_t id = 0;

    try_rdmsr(X2APIC_ID, &id);
    first_id = (uint32_t)id;
    measured = 0;
    while (!ready)
        ;
}

static void end(void)
{
    quit = 1;
    while (ready)
        ;
    quit = 0;
}

ROW_CODE(beside, "xor %%eax, %%eax", "incl measured\n\tcpuid")

#define BESIDE(row, runs)                                                                     \
    {                                                                                         \
        .name = row, CODE(beside), FRAME(begin, end), .other = runs,                          \
        .description = "CPUID beside a second CPU that is not quiet", .instruction = "CPUID", \
        .exits = {ALWAYS(CPUID)}, .requires = ROW_REQUIRES_TWO_CPUS | ROW_REQUIRES_X2APIC,    \
    }

ROWS = {
    BESIDE("beside_calm", calm),
    BESIDE("beside_nmi", one_nmi),
    BESIDE("beside_nmi_later", later),
    BESIDE("beside_nmi_latest", latest),
};
