/* SPDX-License-Identifier: MIT */
/* vCPUs from CPU to CPU, and on two CPUs at once. */
#include "guest.h"
#include "target.h"

#include "../../../probes/ring.h"
#include "../../boot/cpu.h"
#include "../../vmx/exit_reason.h"

#define ROUNDS 200u

/* What one CPU is to do with a vCPU, and what came of it. */
struct turn {
    struct vcpu *vcpu;
    bool keep; /* leave it bound */
    enum stop_cause cause;
    bool unbound;
};

static void take_turn(void *argument)
{
    struct turn *turn = argument;

    turn->cause = vcpu_run(turn->vcpu)->cause;
    if (!turn->keep)
        turn->unbound = vcpu_unbind(turn->vcpu);
}

static struct turn turn_on(uint32_t cpu, struct vcpu *vcpu, bool keep)
{
    static struct turn turn;

    turn = (struct turn){.vcpu = vcpu, .keep = keep};
    smp_call(cpu, take_turn, &turn);
    smp_wait(cpu);
    return turn;
}

void test_migration(void)
{
    struct guest guest;

    EXPECT(guest_create(&guest, GUEST_CODE_OF(count), NULL, 0, 0));
    guest.vcpu->r15 = 0xf15;
    guest.vcpu->rbp = 0xb0b;
    for (uint64_t i = 1; i <= 60; i++) {
        struct turn turn = turn_on(i % 3 == 0, guest.vcpu, false);
        EXPECT(turn.cause == STOP_PHASE_DONE && turn.unbound);
        EXPECT(guest.vcpu->cpu == VCPU_UNBOUND && !guest.vcpu->launched);
        EXPECT(guest.vcpu->rbx == i && guest_quadword(&guest, GUEST_DATA) == i);
        EXPECT(guest.vcpu->r15 == 0xf15 && guest.vcpu->rbp == 0xb0b);
    }
    EXPECT(guest_destroy(&guest));
}

/* A guest that exits into this CPU's own ring. */
struct player {
    struct guest guest;
    char *ring;
    enum stop_cause cause;
    uint32_t records;
    uint64_t discarded, started, ended;
    bool unbound;
};

#define RING_PAGES ((ROUNDS + 8) * RECORD_SIZE / PAGE_SIZE + 1)

static void play(void *argument)
{
    struct player *player = argument;
    struct probe_cpu *probes = cpu_probes();
    const struct packet_origin origin = {platform_cpu_number(), 0, 0, PROBE_FULL};

    if (vcpu_bind(player->guest.vcpu))
        return;
    vcpu_set_path(player->guest.vcpu, VCPU_PATH_FULL);
    player->started = x86_rdtsc();
    ring_open(probes, player->ring, RING_PAGES * PAGE_SIZE, origin, player->started);
    player->cause = vcpu_run(player->guest.vcpu)->cause;
    player->discarded = probes->discarded;
    player->ended = x86_rdtsc();
    player->records = ring_close(probes, player->ended);
    player->unbound = vcpu_unbind(player->guest.vcpu);
}

/* Every record is of the CPUID, but for the VMCALL that ended it. */
static bool records_are_right(const struct player *player, uint32_t cpu)
{
    const struct packet_header *packet = (const void *)player->ring;
    const struct record *record = (const void *)(packet + 1);

    for (uint32_t i = 0; i < ROUNDS; i++)
        if (record[i].reason != EXIT_REASON_CPUID || record[i].vmreads != 4)
            return false;
    return packet->cpu_id == cpu && record[ROUNDS].reason == EXIT_REASON_VMCALL &&
           record[ROUNDS].flags & RECORD_LEFT;
}

/* Each waits in every round for the other, so neither gets through alone. */
void test_a_vcpu_on_each_cpu(void)
{
    static struct player players[2];
    void *shared = platform_pages_allocate(1, PAGE_SIZE);

    for (uint64_t i = 0; i < 2; i++) {
        struct player *player = &players[i];
        player->ring = platform_pages_allocate(RING_PAGES, PAGE_SIZE);
        EXPECT(player->ring);
        EXPECT(guest_create(&player->guest, GUEST_CODE_OF(pingpong), shared, ROUNDS, 8 * i));
        EXPECT(vcpu_unbind(player->guest.vcpu));
    }
    smp_call(1, play, &players[1]);
    play(&players[0]);
    smp_wait(1);
    for (uint32_t i = 0; i < 2; i++) {
        EXPECT(players[i].cause == STOP_PHASE_DONE && players[i].unbound);
        EXPECT(players[i].records == ROUNDS + 1 && players[i].discarded == 0);
        EXPECT(records_are_right(&players[i], i));
        EXPECT(((const uint64_t *)shared)[i] == ROUNDS);
    }
    EXPECT(players[0].started < players[1].ended && players[1].started < players[0].ended);
    for (int i = 0; i < 2; i++) {
        EXPECT(guest_destroy(&players[i].guest));
        platform_pages_free(players[i].ring, RING_PAGES);
    }
    platform_pages_free(shared, 1);
}

/* Two CPUs that grasp at one vCPU, again and again at the same moment. */
struct grasp {
    struct vcpu *vcpu;
    uint32_t at_start[ROUNDS], at_end[ROUNDS]; /* CPUs that have got there */
    uint32_t won[ROUNDS];
    bool wrong;
};

static bool all_there(uint32_t *there)
{
    __atomic_fetch_add(there, 1, __ATOMIC_SEQ_CST);
    for (uint64_t i = 0; i < TARGET_PATIENCE; i++)
        if (__atomic_load_n(there, __ATOMIC_SEQ_CST) >= 2)
            return true;
    return false;
}

static void grasp(void *argument)
{
    struct grasp *g = argument;

    for (uint32_t i = 0; i < ROUNDS && !g->wrong; i++) {
        if (!all_there(&g->at_start[i]))
            g->wrong = true;
        const struct vcpu_stop *refusal = vcpu_bind(g->vcpu);
        if (!refusal)
            __atomic_fetch_add(&g->won[i], 1, __ATOMIC_SEQ_CST);
        else if (refusal->cause != STOP_BOUND_ELSEWHERE)
            g->wrong = true;
        if (!all_there(&g->at_end[i]))
            g->wrong = true;
        if (!refusal && !vcpu_unbind(g->vcpu))
            g->wrong = true;
    }
}

static void destroy(void *argument)
{
    struct turn *turn = argument;
    turn->unbound = vcpu_unbind(turn->vcpu) || vcpu_destroy(turn->vcpu);
}

void test_bound_on_one_cpu_at_a_time(void)
{
    static struct grasp both;
    struct guest guest;

    EXPECT(guest_create(&guest, GUEST_CODE_OF(count), NULL, 0, 0));
    EXPECT(vcpu_run(guest.vcpu)->cause == STOP_PHASE_DONE);
    struct turn turn = turn_on(1, guest.vcpu, false);
    EXPECT(turn.cause == STOP_BOUND_ELSEWHERE && !turn.unbound);
    EXPECT(guest.vcpu->stop.cause == STOP_PHASE_DONE); /* not the other CPU's to write */
    turn.vcpu = guest.vcpu;
    smp_call(1, destroy, &turn);
    smp_wait(1);
    EXPECT(!turn.unbound);
    EXPECT(vcpu_run(guest.vcpu)->cause == STOP_PHASE_DONE && guest.vcpu->rbx == 2);

    EXPECT(vcpu_unbind(guest.vcpu));
    EXPECT(turn_on(1, guest.vcpu, true).cause == STOP_PHASE_DONE);
    EXPECT(guest.vcpu->cpu == 1 && !guest_destroy(&guest));
    EXPECT(vcpu_run(guest.vcpu)->cause == STOP_BOUND_ELSEWHERE);
    turn = turn_on(1, guest.vcpu, false);
    EXPECT(turn.cause == STOP_PHASE_DONE && turn.unbound && guest.vcpu->rbx == 4);

    both = (struct grasp){.vcpu = guest.vcpu};
    smp_call(1, grasp, &both);
    grasp(&both);
    smp_wait(1);
    EXPECT(!both.wrong);
    for (uint32_t i = 0; i < ROUNDS; i++)
        EXPECT(both.won[i] == 1);
    EXPECT(guest_destroy(&guest));
}
