/* SPDX-License-Identifier: MIT */
#include "guest.h"

#include "image.h"
#include "layout.h"
#include "policy.h"
#include "state.h"

#include "../../../probes/ring.h"
#include "../../boot/cpu.h"
#include "../../boot/timer.h"
#include "../../exits/apic_mmio.h"
#include "../../x86/instructions.h"

#include <string.h>

#define GUARD       0xa5u
#define WAKES       3
#define WAKE_VECTOR 0x40u

uint64_t torture_exits;

static uint8_t *images[VCPU_MODES];
static uint8_t guard[PAGE_SIZE];

/* A device whose registers read as where they are. */
static enum mmio_result device(struct vcpu *vcpu, void *context, uint64_t offset, unsigned bytes,
                               bool write, uint64_t *value)
{
    (void)vcpu;
    (void)context;
    if (offset >= 0xf00 || bytes > 8)
        return MMIO_REFUSED;
    if (!write)
        *value = offset * 0x0101010101010101ull;
    return MMIO_DONE;
}

static enum port_result port(struct vcpu *vcpu, void *context, uint16_t number, unsigned bytes,
                             bool write, uint32_t *value)
{
    (void)vcpu;
    (void)context;
    (void)bytes;
    if (!write)
        *value = number;
    return number & 1 ? PORT_REFUSED : number & 2 ? PORT_EVENTS : PORT_DONE;
}

static bool map(struct torture *torture)
{
    static const struct {
        uint32_t first, end;
        enum ept_access access;
    } ranges[] = {
        {0, GUEST_READ_ONLY, EPT_ALL},
        {GUEST_READ_ONLY, GUEST_NO_EXECUTE, EPT_READ | EPT_EXECUTE},
        {GUEST_NO_EXECUTE, GUEST_UNMAPPED, EPT_READ | EPT_WRITE},
        {GUEST_UNMAPPED + PAGE_SIZE, GUEST_BYTES, EPT_ALL},
    };

    for (unsigned i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        for (uint64_t at = ranges[i].first; at < ranges[i].end; at += PAGE_SIZE)
            if (!ept_map(&torture->ept, at, platform_physical(torture->memory + at), PAGE_SIZE,
                         ranges[i].access))
                return false;
    return mmio_add(&torture->mmio, GUEST_DEVICE, PAGE_SIZE, device, NULL) &&
           mmio_add(&torture->mmio, GUEST_APIC, PAGE_SIZE, apic_mmio, NULL) &&
           mmio_add_trapped(&torture->mmio, &torture->ept, GUEST_TRAPPED, PAGE_SIZE, device,
                            NULL) &&
           ports_add(&torture->ports, 0x300, 0x30f, port, NULL);
}

const char *torture_create(struct torture *torture, const struct vmx_capability *capability)
{
    *torture = (struct torture){0};
    torture->block = platform_pages_allocate(2 + GUEST_BYTES / PAGE_SIZE, PAGE_SIZE);
    torture->ring = platform_pages_allocate(1, PAGE_SIZE);
    torture->apic_page = platform_pages_allocate(1, PAGE_SIZE);
    for (int mode = 0; mode < VCPU_MODES && !images[mode]; mode++) {
        images[mode] = platform_pages_allocate(GUEST_BYTES / PAGE_SIZE, PAGE_SIZE);
        if (!images[mode])
            return "no memory for the guest's image";
        image_make((enum vcpu_mode)mode, images[mode]);
    }
    if (!torture->block || !torture->ring || !torture->apic_page || !policy_prepare())
        return "no memory for the guest";
    memset(torture->block, GUARD, GUEST_BYTES + 2 * PAGE_SIZE);
    memset(guard, GUARD, sizeof(guard));
    torture->memory = torture->block + PAGE_SIZE;
    const char *wrong = ept_create(&torture->ept, capability);
    if (wrong)
        return wrong;
    if (!map(torture))
        return "no memory for the guest's EPT";
    torture->ports.ones = policy_ports();
    torture->vcpu = vcpu_create(capability, &torture->ept);
    if (!torture->vcpu)
        return "no memory for the vCPU";
    torture->vcpu->mmio = &torture->mmio;
    torture->vcpu->ports = &torture->ports;
    return NULL;
}

/* What the probes have counted since the path was chosen. */
static uint64_t counted(struct probe_cpu *probes, enum vcpu_path path)
{
    uint64_t sum = 0;

    if (path == VCPU_PATH_COUNTS)
        for (unsigned i = 0; i < sizeof(probes->totals.exits) / sizeof(probes->totals.exits[0]);
             i++)
            sum += probes->totals.exits[i];
    else if (path != VCPU_PATH_OFF) {
        sum = probes->discarded;
        sum += ring_close(probes, x86_rdtsc());
    }
    return sum;
}

static enum vcpu_path choose_path(struct torture *torture, struct random *random)
{
    enum vcpu_path path = (enum vcpu_path)random_below(random, VCPU_PATH_FLOOR);
    const struct packet_origin origin = {platform_cpu_number(), 0, 0, path};
    struct probe_cpu *probes = cpu_probes();

    vcpu_set_hardware_stamp(torture->vcpu, path >= VCPU_PATH_HARDWARE);
    vcpu_set_path(torture->vcpu, path);
    probes->totals = (struct probe_totals){0};
    if (path != VCPU_PATH_OFF && path != VCPU_PATH_COUNTS)
        ring_open(probes, torture->ring, TORTURE_RING, origin, x86_rdtsc());
    return path;
}

static const struct vcpu_stop *play(struct torture *torture, struct random *random)
{
    struct vcpu *vcpu = torture->vcpu;
    const struct vcpu_stop *stop = vcpu_run(vcpu);

    for (int i = 0; i < WAKES && stop->cause == STOP_HALTED; i++) {
        vcpu->events.acknowledged[WAKE_VECTOR / 64] |= 1ull << WAKE_VECTOR % 64;
        vcpu->events.nmi |= random_once_in(random, 2);
        stop = vcpu_run(vcpu);
    }
    return stop;
}

/* memcpy(), at a tick a word. */
static void copy(void *to, const void *from, uint64_t words)
{
    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
}

/* Where it is not mapped, the core's MMIO has the address. */
static bool map_apic_page(struct torture *torture, bool mapped)
{
    return ept_show_page(&torture->ept, GUEST_APIC, platform_physical(torture->apic_page), mapped);
}

bool torture_policy(struct torture *torture, struct random *random)
{
    torture->policy = policy_random(random);
    bool access = torture->beyond && random_once_in(random, 4);
    if (access)
        policy_use_access_page(&torture->policy, random);
    if (!map_apic_page(torture, access))
        return false;
    torture->vcpu->apic_access_page = access ? platform_physical(torture->apic_page) : 0;
    return vcpu_apply_policy(torture->vcpu, &torture->policy);
}

const struct vcpu_stop *torture_run(struct torture *torture, struct random *random,
                                    struct guest_kind *kind)
{
    struct vcpu *vcpu = torture->vcpu;

    kind->program = (enum program_kind)random_below(random, PROGRAM_KINDS);
    kind->mode = (enum vcpu_mode)random_below(random, VCPU_MODES);
    kind->state = random_once_in(random, 4);
    copy(torture->memory, images[kind->mode], GUEST_BYTES / 8);
    program_write(kind->program, random, torture->memory + GUEST_CODE, GUEST_CODE_BYTES);
    const struct vcpu_start start = {
        .mode = kind->mode,
        .cs = GUEST_CODE >> 4,
        .rip = kind->mode == VCPU_REAL ? 0 : GUEST_CODE,
        .rsp = GUEST_STACK,
        .cr3 = GUEST_TABLES,
        .identity_map = random_once_in(random, 16) ? 0 : GUEST_IDENTITY_MAP,
    };
    local_apic_reset(&vcpu->apic, platform_cpu_number());
    if (!vcpu_start(vcpu, &start))
        return &vcpu->stop;
    state_tables(kind->mode, random);
    state_registers(vcpu, random);
    if (kind->state)
        state_random(random);
    vcpu_set_time_limit(vcpu, 500 + random_below(random, 6000));
    timer_every(random_once_in(random, 2) ? 0 : 300 + random_below(random, 3000));
    enum vcpu_path path = choose_path(torture, random);
    const struct vcpu_stop *stop = play(torture, random);
    __atomic_add_fetch(&torture_exits, counted(cpu_probes(), path), __ATOMIC_RELAXED);
    return stop;
}

/* memcmp() of a page, at a tick a word. */
static bool same(const uint8_t *a, const uint8_t *b)
{
    uint64_t words = PAGE_SIZE / 8;
    bool equal;

    __asm__ volatile("cmp %%eax, %%eax; repe cmpsq"
                     : "=@ccz"(equal), "+S"(a), "+D"(b), "+c"(words)
                     :
                     : "memory");
    return equal;
}

static bool is_guard(const uint8_t *page)
{
    return same(page, guard);
}

static bool is_image(const struct torture *torture, uint32_t at)
{
    /* The same in every mode there. */
    return same(torture->memory + at, images[VCPU_LONG] + at);
}

const char *torture_escaped(const struct torture *torture)
{
    if (!is_guard(torture->block) || !is_guard(torture->memory + GUEST_BYTES))
        return "a page beside the guest's memory has changed";
    if (!is_image(torture, GUEST_READ_ONLY))
        return "a page that EPT has read-only has changed";
    if (!is_image(torture, GUEST_UNMAPPED))
        return "a page that EPT does not map has changed";
    return NULL;
}
