/* SPDX-License-Identifier: MIT */
#include "guest.h"

#include "target.h"

#include "../../x86/instructions.h"

#include <string.h>

#define GDT      0x800ull
#define POINTERS 0x900ull /* for LGDT, and 16 bytes on for LIDT */
#define GATE_64  0x8e00ull

#define PRESENT_WRITE 3u
#define LARGE         0x80u

static char bitmaps[3][PAGE_SIZE] __attribute__((aligned(4096)));

static const struct vcpu_policy policy = {
    .controls = {[CONTROL_PIN_BASED] = {.set = PIN_BASED_EXTERNAL_INTERRUPT_EXITING}},
    .msr_bitmap = bitmaps[0],
    .io_bitmap_a = bitmaps[1],
    .io_bitmap_b = bitmaps[2],
};

/* Every MSR of the local APIC exits. */
static char apart_bitmap[PAGE_SIZE] __attribute__((aligned(4096)));

static const struct vcpu_policy apart = {
    .controls = {[CONTROL_PIN_BASED] = {.set = PIN_BASED_EXTERNAL_INTERRUPT_EXITING},
                 [CONTROL_PRIMARY] = {.set = PRIMARY_HLT_EXITING}},
    .msr_bitmap = apart_bitmap,
    .io_bitmap_a = bitmaps[1],
    .io_bitmap_b = bitmaps[2],
};

static void fill_apart_bitmap(void)
{
    static const uint32_t others[] = {0x1b, 0x6e0}; /* IA32_APIC_BASE, IA32_TSC_DEADLINE */

    for (int write = 0; write < 2; write++) {
        char *bits = apart_bitmap + 2048 * write;
        memset(bits + 0x800 / 8, 0xff, 0x100 / 8);
        for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++)
            bits[others[i] / 8] = (char)(bits[others[i] / 8] | 1u << others[i] % 8);
    }
}

static char full_bitmap[PAGE_SIZE] __attribute__((aligned(4096)));

static const struct vcpu_policy intercepted = {
    .controls = {[CONTROL_PIN_BASED] = {.set = PIN_BASED_EXTERNAL_INTERRUPT_EXITING},
                 [CONTROL_PRIMARY] = {.set = PRIMARY_HLT_EXITING | PRIMARY_CR3_LOAD_EXITING}},
    .msr_bitmap = full_bitmap,
    .io_bitmap_a = full_bitmap,
    .io_bitmap_b = full_bitmap,
};

/* The one place that knows how a vCPU is started. */
static bool start(struct guest *guest)
{
    const struct vcpu_start at = {
        .rip = GUEST_CODE,
        .rsp = GUEST_STACK,
        .cr3 = GUEST_TABLES,
        .rdi = GUEST_DATA,
        .rsi = guest->rsi,
        .rdx = guest->rdx,
    };
    return vcpu_start(guest->vcpu, &at);
}

static bool map(struct guest *guest, void *shared)
{
    for (uint64_t at = 0; at < GUEST_PAGES * PAGE_SIZE; at += PAGE_SIZE) {
        const void *page = shared && at == GUEST_DATA ? shared : guest->memory + at;
        if (!ept_map(&guest->ept, at, platform_physical(page), PAGE_SIZE, EPT_ALL))
            return false;
    }
    return true;
}

static bool create(struct guest *guest, const struct vcpu_policy *under, struct guest_code code,
                   void *shared, uint64_t rsi, uint64_t rdx)
{
    const struct vmx_capability *capability = &target_vmx(platform_cpu_number())->capability;

    *guest = (struct guest){
        .memory = platform_pages_allocate(GUEST_PAGES, PAGE_SIZE),
        .policy = under,
        .rsi = rsi,
        .rdx = rdx,
    };
    if (!guest->memory || ept_create(&guest->ept, capability) || !map(guest, shared))
        return false;
    uint64_t *tables = (uint64_t *)(guest->memory + GUEST_TABLES);
    tables[0] = (GUEST_TABLES + PAGE_SIZE) | PRESENT_WRITE;
    tables[512] = (GUEST_TABLES + 2 * PAGE_SIZE) | PRESENT_WRITE;
    tables[1024] = LARGE | PRESENT_WRITE;
    memcpy(guest->memory + GUEST_CODE, code.start, (size_t)(code.end - code.start));
    guest->vcpu = vcpu_create(capability, &guest->ept);
    if (!guest->vcpu || !vcpu_apply_policy(guest->vcpu, under) || !start(guest))
        return false;
    vcpu_set_time_limit(guest->vcpu, TARGET_PATIENCE);
    return true;
}

bool guest_create(struct guest *guest, struct guest_code code, void *shared, uint64_t rsi,
                  uint64_t rdx)
{
    return create(guest, &policy, code, shared, rsi, rdx);
}

bool guest_create_apart(struct guest *guest, struct guest_code code, void *shared, uint64_t rsi,
                        uint64_t rdx)
{
    fill_apart_bitmap();
    return create(guest, &apart, code, shared, rsi, rdx);
}

bool guest_create_intercepted(struct guest *guest, struct guest_code code)
{
    memset(full_bitmap, 0xff, sizeof(full_bitmap));
    return create(guest, &intercepted, code, NULL, 0, 0);
}

void guest_give_tables(struct guest *guest, uint8_t vector, uint64_t handler)
{
    static const uint64_t gdt[] = {0, 0x00af9b000000ffff, 0x00cf93000000ffff};
    const uint64_t gate[] = {handler | 8u << 16 | GATE_64 << 32, 0};
    const struct descriptor_table_register gdtr = {sizeof(gdt) - 1, GDT};
    const struct descriptor_table_register idtr = {(uint16_t)(16 * (vector + 1) - 1), 0};

    memcpy(guest->memory + 16 * vector, gate, sizeof(gate));
    memcpy(guest->memory + GDT, gdt, sizeof(gdt));
    memcpy(guest->memory + POINTERS, &gdtr, sizeof(gdtr));
    memcpy(guest->memory + POINTERS + 16, &idtr, sizeof(idtr));
}

bool guest_restart(struct guest *guest)
{
    if (!vcpu_unbind(guest->vcpu) || !vcpu_apply_policy(guest->vcpu, guest->policy) ||
        !start(guest))
        return false;
    vcpu_set_time_limit(guest->vcpu, TARGET_PATIENCE);
    return true;
}

bool guest_destroy(struct guest *guest)
{
    if (!vcpu_destroy(guest->vcpu))
        return false;
    ept_destroy(&guest->ept);
    platform_pages_free(guest->memory, GUEST_PAGES);
    *guest = (struct guest){0};
    return true;
}
