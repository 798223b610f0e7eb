/* SPDX-License-Identifier: MIT */
#include "machine_transition.h"

#include "../../core/hypercall.h"
#include "../../core/platform.h"
#include "../../core/vmx/exit_reason.h"
#include "../../core/x86/instructions.h"
#include "../../probes/ring.h"

#include <string.h>

/* The same bytes in 16-, 32- and 64-bit mode. RAX is 0 as a guest starts: HYPERCALL_NOP. */
static const uint8_t vmcall[] = {0x0f, 0x01, 0xc1};
static const uint8_t increment[] = {0xff, 0xc0}; /* of AX or EAX: HYPERCALL_PHASE_DONE */

#define CODE_SIZE        ((TRANSITION_EXITS + 2) * sizeof(vmcall) + sizeof(increment))
#define CONVENTIONAL_END 0xa0000u   /* as PCs have it: 640 KiB */
#define TIME_ENOUGH      (1u << 20) /* ticks, should it not end as it is to */

_Static_assert(HYPERCALL_NOP == 0 && HYPERCALL_PHASE_DONE == 1, "what the code below calls");
_Static_assert(CODE_SIZE <= PAGE_SIZE, "the code fits");

static void write_code(uint8_t *to)
{
    for (unsigned i = 0; i <= TRANSITION_EXITS; i++, to += sizeof(vmcall))
        memcpy(to, vmcall, sizeof(vmcall));
    memcpy(to, increment, sizeof(increment));
    memcpy(to + sizeof(increment), vmcall, sizeof(vmcall));
}

static void sort(uint64_t *values, unsigned count)
{
    for (unsigned i = 1; i < count; i++)
        for (unsigned k = i; k > 0 && values[k - 1] > values[k]; k--) {
            uint64_t value = values[k];
            values[k] = values[k - 1];
            values[k - 1] = value;
        }
}

/* From the last stamp of each record to the first of the next, the last of all left out. */
static void summarize(const struct record *records, struct profile_transition *into)
{
    uint64_t gaps[TRANSITION_EXITS];

    for (unsigned i = 0; i < TRANSITION_EXITS; i++) {
        const struct record *before = &records[i], *after = &records[i + 1];
        if (before->reason != EXIT_REASON_VMCALL || after->reason != EXIT_REASON_VMCALL ||
            after->entered < before->entering)
            return;
        gaps[i] = after->entered - before->entering;
    }
    sort(gaps, TRANSITION_EXITS);
    *into = (struct profile_transition){
        .count = TRANSITION_EXITS,
        .least = gaps[0],
        .median = gaps[(TRANSITION_EXITS - 1) / 2],
        .most = gaps[TRANSITION_EXITS - 1],
    };
}

static bool is_loaded(const struct load_result *loaded, uint64_t page)
{
    for (unsigned i = 0; i < loaded->piece_count; i++) {
        const struct load_piece *piece = &loaded->pieces[i];
        if (piece->to < page + PAGE_SIZE && page < piece->to + piece->size)
            return true;
    }
    return false;
}

/* 0: there is none. */
static uint64_t free_page(const struct load_result *loaded, const struct load_range *ranges,
                          unsigned count)
{
    for (uint64_t page = PAGE_SIZE; page < CONVENTIONAL_END; page += PAGE_SIZE)
        for (unsigned i = 0; i < count; i++)
            if (ranges[i].type == LOAD_RAM && ranges[i].start <= page &&
                page + PAGE_SIZE <= ranges[i].end && !is_loaded(loaded, page))
                return page;
    return 0;
}

static bool start_at(struct vcpu *vcpu, const struct load_result *loaded, uint64_t page)
{
    const struct vcpu_start starts[LOAD_STARTS] = {
        [LOAD_START_REAL] = {.mode = VCPU_REAL, .cs = (uint16_t)(page >> 4)},
        [LOAD_START_PROTECTED] = {.mode = VCPU_PROTECTED, .rip = page},
        [LOAD_START_LONG] = {.mode = VCPU_LONG, .rip = page, .cr3 = loaded->cr3},
    };

    return vcpu_start(vcpu, &starts[loaded->start]);
}

void machine_transition(struct vcpu *vcpu, struct probe_cpu *probes,
                        const struct load_result *loaded, const struct load_range *ranges,
                        unsigned range_count, void *ring, struct profile_transition *into)
{
    const uint64_t page = free_page(loaded, ranges, range_count);
    uint8_t *code = platform_at(page), kept[CODE_SIZE];

    *into = (struct profile_transition){0};
    if (!page || !start_at(vcpu, loaded, page))
        return;
    memcpy(kept, code, CODE_SIZE);
    write_code(code);
    vcpu_set_path(vcpu, VCPU_PATH_FULL);
    vcpu_set_time_limit(vcpu, TIME_ENOUGH);
    ring_open(probes, ring, TRANSITION_RING, (struct packet_origin){.probe_level = PROBE_FULL},
              x86_rdtsc());
    const struct record *records = probes->next;
    const struct vcpu_stop *stop = vcpu_run(vcpu);
    uint32_t count = ring_close(probes, x86_rdtsc());
    memcpy(code, kept, CODE_SIZE);
    if (stop->cause == STOP_PHASE_DONE && count == TRANSITION_EXITS + 2)
        summarize(records, into);
}
