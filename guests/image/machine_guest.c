/* SPDX-License-Identifier: MIT */
#include "machine_guest.h"

#include "../../core/boot/fadt.h"
#include "../../core/vmx/dump.h"
#include "../../core/x86/control_registers.h"
#include "../../core/x86/msr.h"
#include "machine_map.h"
#include "machine_ports.h"
#include "machine_transition.h"
#include "plan_check.h"
#include "profile_fold.h"
#include "room.h"
#include "say.h"

#include <string.h>

#define MSR_BITMAP_WRITE_LOW 2048u /* its quarter of the MSR bitmap, SDM Vol. 3C 25.6.9 */

_Static_assert(MACHINE_KEPT_MSR == IA32_APIC_BASE, "a guest may not move it over memory");
_Static_assert(MACHINE_KEPT >= PORTS_RANGES_MAX, "the result has room for what is claimed");

#define RING_PAGES ((1 + (uint64_t)PROFILE_RING_RECORDS) * RECORD_SIZE / PAGE_SIZE + 1)

/* What a run has of its own, from loading to the end. */
struct run {
    const struct machine_guest *guest;
    const struct plan_machine *plan;
    struct machine_result *result;
    struct load_range ranges[LOAD_RANGES_MAX];
    unsigned range_count;
    struct load_result loaded;
    struct ept ept;
    struct ports ports;
    struct machine_ports owned;
    uint8_t *bitmaps;
    void *ring;
    struct vcpu *vcpu;
};

static void end(struct run *run, enum machine_end how, const char *text)
{
    run->result->end = how;
    say(run->result->text, MACHINE_TEXT, text);
}

static void end_by_stop(struct run *run, enum machine_end how, const struct vcpu_stop *stop)
{
    run->result->end = how;
    run->result->value = stop->value;
    say_stop(run->result->text, MACHINE_TEXT, stop);
}

/* False, and the run has ended, if the guest cannot be loaded. */
static bool plan_load(struct run *run)
{
    static const enum load_start starts[PLAN_STARTS] = {
        [PLAN_START_REAL] = LOAD_START_REAL,
        [PLAN_START_PROTECTED] = LOAD_START_PROTECTED,
        [PLAN_START_LONG] = LOAD_START_LONG,
    };
    const struct machine_guest *guest = run->guest;
    const struct load_request request = {
        .image = platform_at(guest->image.start),
        .image_size = guest->image.end - guest->image.start,
        .initrd = guest->initrd.end > guest->initrd.start ? platform_at(guest->initrd.start) : NULL,
        .initrd_size = guest->initrd.end - guest->initrd.start,
        .cmdline = *run->plan->command_line ? run->plan->command_line : NULL,
        .start_given = run->plan->start != PLAN_START_AS_IMAGE,
        .start = starts[run->plan->start],
        .flat_address = run->plan->flat_address,
        .map = run->ranges,
        .map_count = run->range_count,
        .rsdp = guest->information->rsdp,
        .rsdp_size = guest->information->rsdp_size,
    };
    void *scratch = platform_pages_allocate(LOAD_SCRATCH / PAGE_SIZE, PAGE_SIZE);

    if (!scratch) {
        end(run, MACHINE_REFUSED, "no memory for loading it");
        return false;
    }
    const char *wrong = load_guest(&request, &run->loaded, scratch, LOAD_SCRATCH);
    if (wrong) {
        end(run, MACHINE_REFUSED, wrong);
        return false;
    }
    say(run->result->kind, sizeof(run->result->kind), load_kind_name(run->loaded.kind));
    return true;
}

/* The loader has been told that the core's memory is not the guest's; here it is seen to. */
static bool copy_pieces(struct run *run)
{
    const struct memory_range *core = &run->guest->core;

    for (unsigned i = 0; i < run->loaded.piece_count; i++) {
        const struct load_piece *piece = &run->loaded.pieces[i];
        uint64_t behind = piece->to + piece->size;
        if (behind < piece->to || behind > MEMORY_REACHABLE || piece->from_size > piece->size ||
            (piece->to < core->end && core->start < behind)) {
            end(run, MACHINE_REFUSED, "a part of it would lie in the core's memory");
            return false;
        }
    }
    for (unsigned i = 0; i < run->loaded.piece_count; i++) {
        const struct load_piece *piece = &run->loaded.pieces[i];
        char *to = platform_at(piece->to);
        if (piece->from_size)
            memcpy(to, piece->from, piece->from_size);
        memset(to + piece->from_size, 0, piece->size - piece->from_size);
    }
    return true;
}

static const char *furnish(struct run *run)
{
    const struct vmx_capability *capability = &run->guest->driver->vmx->capability;

    run->bitmaps = platform_pages_allocate(ROOM_BITMAP_PAGES, PAGE_SIZE);
    run->ring = platform_pages_allocate(RING_PAGES, PAGE_SIZE);
    if (!run->bitmaps || !run->ring)
        return "no memory for the guest's records";
    const char *wrong = ept_create(&run->ept, capability);
    if (wrong)
        return wrong;
    if (!machine_map(&run->ept, run->ranges, run->range_count, run->guest->core,
                     capability->physical_bits))
        return "no memory for the guest's EPT";
    run->vcpu = vcpu_create(capability, &run->ept);
    return run->vcpu ? NULL : "no memory for the vCPU";
}

static bool apply_policy(struct run *run)
{
    const struct plan_policy *from = plan_policies(run->guest->driver->plan);
    struct vcpu_policy policy = room_policy(run->bitmaps, from);

    policy.machine = true;
    run->bitmaps[MSR_BITMAP_WRITE_LOW + MACHINE_KEPT_MSR / 8] |= 1u << MACHINE_KEPT_MSR % 8;
    run->ports.ones = room_ports_emulated(run->bitmaps, from);
    if (!machine_ports_claim(&run->owned, &run->ports, run->bitmaps + PAGE_SIZE,
                             run->bitmaps + 2 * PAGE_SIZE)) {
        end(run, MACHINE_UNAVAILABLE, "the machine's ports for switching off lie over each other");
        return false;
    }
    run->result->kept_count = run->ports.count;
    for (unsigned i = 0; i < run->ports.count; i++)
        run->result->kept[i] =
            (struct machine_kept){run->ports.ranges[i].first, run->ports.ranges[i].last};
    run->vcpu->ports = &run->ports;
    local_apic_reset(&run->vcpu->apic, run->guest->apic_id);
    if (vcpu_apply_policy(run->vcpu, &policy))
        return true;
    end_by_stop(run, MACHINE_UNAVAILABLE, &run->vcpu->stop);
    return false;
}

/* The descriptor table that the loader has made, and the selectors in it. */
static bool use_descriptors(struct run *run)
{
    static const enum vmcs_field data[] = {
        VMCS_GUEST_ES_SELECTOR, VMCS_GUEST_SS_SELECTOR, VMCS_GUEST_DS_SELECTOR,
        VMCS_GUEST_FS_SELECTOR, VMCS_GUEST_GS_SELECTOR,
    };
    uint32_t failure = VMCS_NO_FIELD;

    if (!run->loaded.gdt)
        return true;
    vmcs_write(VMCS_GUEST_GDTR_BASE, run->loaded.gdt, &failure);
    vmcs_write(VMCS_GUEST_GDTR_LIMIT, run->loaded.gdt_limit, &failure);
    vmcs_write(VMCS_GUEST_CS_SELECTOR, LOAD_CS, &failure);
    for (unsigned i = 0; i < sizeof(data) / sizeof(data[0]); i++)
        vmcs_write(data[i], LOAD_DS, &failure);
    return vcpu_written(run->vcpu, failure);
}

static bool start(struct run *run)
{
    static const enum vcpu_mode modes[LOAD_STARTS] = {
        [LOAD_START_REAL] = VCPU_REAL,
        [LOAD_START_PROTECTED] = VCPU_PROTECTED,
        [LOAD_START_LONG] = VCPU_LONG,
    };
    const struct load_result *loaded = &run->loaded;
    const struct vcpu_start at = {
        .mode = modes[loaded->start],
        .cs = loaded->cs,
        .rip = loaded->rip,
        .rsp = loaded->rsp,
        .cr3 = loaded->cr3,
        .rsi = loaded->rsi,
    };

    if (!vcpu_start(run->vcpu, &at) || !use_descriptors(run)) {
        end_by_stop(run, MACHINE_UNAVAILABLE, &run->vcpu->stop);
        return false;
    }
    run->vcpu->rax = loaded->rax;
    run->vcpu->rbx = loaded->rbx;
    vcpu_set_path(run->vcpu, VCPU_PATH_FULL);
    driver_note_controls(run->vcpu, &run->result->controls);
    return true;
}

/* Between two entries: whether it goes on. */
static bool goes_on(struct run *run)
{
    if (__atomic_load_n(&run->result->request, __ATOMIC_ACQUIRE)) {
        end(run, MACHINE_ASKED, "");
        return false;
    }
    if (vmread(VMCS_GUEST_ACTIVITY) == ACTIVITY_HLT && !(vmread(VMCS_GUEST_RFLAGS) & RFLAGS_IF)) {
        end(run, MACHINE_HALTED, "HLT with interrupts off");
        return false;
    }
    return true;
}

static void conclude(struct run *run, const struct vcpu_stop *stop)
{
    switch (stop->cause) {
    case STOP_PHASE_DONE:
        end_by_stop(run, MACHINE_DONE, stop);
        return;
    case STOP_GUEST_FAILED:
        end_by_stop(run, MACHINE_FAILED, stop);
        return;
    case STOP_HALTED:
        end(run, MACHINE_HALTED, "HLT with interrupts off");
        return;
    default:
        break;
    }
    if (run->owned.end != MACHINE_NOT_ENDED) {
        end(run, run->owned.end, run->owned.text);
        return;
    }
    end_by_stop(run, MACHINE_STOPPED, stop);
    if (stop->cause == STOP_MEMORY) {
        const struct memory_range *core = &run->guest->core;
        say(run->result->text, MACHINE_TEXT, ", guest-physical ");
        say_hex(run->result->text, MACHINE_TEXT, stop->value);
        if (stop->value >= core->start && stop->value < core->end)
            say(run->result->text, MACHINE_TEXT, ", which is the core's");
    }
    vcpu_dump(run->vcpu);
}

static void run_on(struct run *run)
{
    struct driver *driver = run->guest->driver;
    const struct vcpu_stop *stop;
    bool poll;

    profile_begin(&run->result->profile, driver->probes, run->ring);
    do {
        vcpu_set_time_limit(run->vcpu, run->plan->poll);
        profile_enter();
        stop = vcpu_run(run->vcpu);
        poll = stop->cause == STOP_TIME_LIMIT;
        profile_leave(poll);
    } while (poll && goes_on(run));
    if (!poll)
        conclude(run, stop);
    profile_end();
}

const char *machine_guest_run(const struct machine_guest *guest)
{
    static struct run run; /* too large for the stack */
    struct driver *driver = guest->driver;

    run = (struct run){.guest = guest, .plan = plan_machine(driver->plan)};
    run.result = (struct machine_result *)((char *)driver->results + run.plan->result_offset);
    driver_describe(driver);
    run.range_count = machine_memory(guest->information->map, guest->information->map_count,
                                     guest->core, run.ranges);
    run.result->memory = machine_ram(run.ranges, run.range_count);
    fadt_read(guest->information, &run.owned.fadt);
    if (guest->information->map_cut || !run.range_count) {
        end(&run, MACHINE_UNAVAILABLE, "the firmware's memory map has too many ranges");
        return NULL;
    }
    if (!plan_load(&run))
        return NULL;
    const char *wrong = furnish(&run);
    if (wrong)
        return wrong;
    bool starts = apply_policy(&run) && copy_pieces(&run) && start(&run);
    if (starts) {
        machine_transition(run.vcpu, driver->probes, &run.loaded, run.ranges, run.range_count,
                           run.ring, &run.result->transition);
        starts = start(&run);
    }
    if (starts) {
        platform_log("machine: %s starts\n", run.result->kind);
        guest->release();
        run_on(&run);
    }
    platform_log("machine: ended: %u%s%s\n", run.result->end, *run.result->text ? ": " : "",
                 run.result->text);
    vcpu_destroy(run.vcpu);
    return NULL;
}
