/* SPDX-License-Identifier: MIT */
/* HYPERCALL_INJECT: what it injects arrives behind the VMCALL, once, and when it may. */
#include "interrupt.h"

#define VALID     0x80000000u
#define EXCEPTION 0x300u

static bool inject(uint32_t information, uint64_t *result)
{
    *result = HYPERCALL_INJECT;
    return TRY("vmcall", ([rax] "+a"(*result)), ("D"((uint64_t)information), "c"(0)));
}

/* #DE too, but 0 is what TRY() has where there was none. */
static void exceptions(void)
{
    static const uint32_t vectors[] = {6, 7, 10, 11, 12, 13, 17};
    uint64_t result;

    for (unsigned i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        EXPECT_EXCEPTION(vectors[i], inject(VALID | EXCEPTION | vectors[i], &result));
        EXPECT(result == 0);
    }
    EXPECT(inject(EXCEPTION | 6, &result) && result == 0);
    EXPECT(inject(VALID | EXCEPTION | 8, &result) && result == HYPERCALL_INVALID);
    EXPECT(inject(VALID | 0x202, &result) && result == HYPERCALL_INVALID);
}

static void interrupts(void)
{
    uint64_t result;

    count = 0;
    EXPECT(inject(VALID | LOW_VECTOR, &result) && result == 0 && count == 0);
    open_and_close();
    EXPECT(count == 1 && taken[0] == LOW_VECTOR);
    open_and_close();
    EXPECT(count == 1);
    __asm__ volatile("sti");
    EXPECT(inject(VALID | HIGH_VECTOR, &result) && result == 0 && count == 2);
    EXPECT(taken[1] == HIGH_VECTOR);
    __asm__ volatile("cli");
    EXPECT(read(X2APIC_ISR_50) == 0);
    EXPECT(inject(VALID | 31, &result) && result == HYPERCALL_INVALID);
}

static void check_inject(struct sample *samples, uint64_t samples_count)
{
    struct table_register old;

    (void)samples;
    (void)samples_count;
    exceptions();
    load_idt(&old);
    write(X2APIC_SVR, SVR_ENABLED);
    interrupts();
    write(X2APIC_SVR, SVR_DISABLED);
    __asm__ volatile("lidt %0" : : "m"(old));
}

ROWS = {
    {
        .name = "check/inject",
        .description = "what the hypercall injects arrives behind it, once, and when it may",
        .instruction = "VMCALL",
        .op = check_inject,
        .control = check_inject,
        .requires = ROW_REQUIRES_X2APIC,
        .flags = ROW_CHECK,
    },
};
