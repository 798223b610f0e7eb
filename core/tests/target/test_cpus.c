/* SPDX-License-Identifier: MIT */
/* The CPUs themselves, and what they share: pages and the console. */
#include "target.h"

#include "../../boot/apic.h"
#include "../../boot/cpu.h"
#include "../../boot/memory.h"
#include "../../x86/instructions.h"
#include "../../x86/msr.h"

#define CALLS  200u
#define ROUNDS 300u
#define LINES  40u

struct identity {
    uint32_t number, apic_id, calls;
    uint64_t gs_base, gdt_base, idt_base;
    const struct probe_cpu *probes;
    const void *stack;
};

static void identify(void *argument)
{
    struct identity *identity = argument;

    identity->number = platform_cpu_number();
    identity->apic_id = apic_id();
    identity->calls++;
    identity->gs_base = x86_rdmsr(IA32_GS_BASE);
    identity->gdt_base = x86_read_gdtr().base;
    identity->idt_base = x86_read_idtr().base;
    identity->probes = cpu_probes();
    identity->stack = __builtin_frame_address(0);
}

void test_cpus_are_themselves(void)
{
    static struct identity a, b;

    for (unsigned i = 1; i <= CALLS; i++) {
        smp_call(0, identify, &a);
        smp_call(1, identify, &b);
        if (i % 3) /* the next call waits by itself */
            smp_wait(1);
        EXPECT(a.calls == i);
    }
    smp_wait(1);
    EXPECT(a.calls == b.calls && b.calls == CALLS);
    EXPECT(a.number == 0 && b.number == 1 && platform_cpu_number() == 0);
    EXPECT(a.apic_id != b.apic_id && b.apic_id != UINT32_MAX);
    EXPECT(a.gs_base == (uint64_t)a.probes && b.gs_base == (uint64_t)b.probes);
    EXPECT(a.gs_base != b.gs_base && a.gdt_base != b.gdt_base && a.idt_base == b.idt_base);
    int64_t apart = (const char *)a.stack - (const char *)b.stack;
    EXPECT(apart > 4096 || apart < -4096);
}

/* Pages marked by who has them: a mark that changes was somebody else's page too. */
static void take_and_give_back(void *argument)
{
    bool *wrong = argument;
    uint64_t mark = 0xc0de0000 + platform_cpu_number(), *pages[4];

    for (unsigned round = 0; round < ROUNDS && !*wrong; round++) {
        size_t count = 1 + round % 3;
        for (unsigned i = 0; i < 4; i++) {
            pages[i] = platform_pages_allocate(count, PAGE_SIZE);
            if (!pages[i] || pages[i][0] || pages[i][count * 512 - 1])
                *wrong = true;
            else
                pages[i][0] = pages[i][count * 512 - 1] = mark + i;
        }
        for (unsigned i = 0; i < 4; i++) {
            if (pages[i] && (pages[i][0] != mark + i || pages[i][count * 512 - 1] != mark + i))
                *wrong = true;
            platform_pages_free(pages[i], count);
        }
    }
}

void test_memory_is_shared_out(void)
{
    static bool wrong[2];
    size_t pages = memory_free_pages();

    smp_call(1, take_and_give_back, &wrong[1]);
    take_and_give_back(&wrong[0]);
    smp_wait(1);
    EXPECT(!wrong[0] && !wrong[1]);
    EXPECT(memory_free_pages() == pages);
}

static void talk(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < LINES; i++)
        platform_log("line %u of CPU %u: %s %s %016llx\n", i, platform_cpu_number(),
                     "the quick brown", "fox", 0x0123456789abcdefull);
}

/* The reader of the console sees whether they did. */
void test_lines_stay_whole(void)
{
    smp_call(1, talk, NULL);
    talk(NULL);
    smp_wait(1);
}
