/* SPDX-License-Identifier: MIT */
#include "kvm_machine.h"

#include "../guests/image/guest_memory.h"
#include "kvm_cpuid.h"
#include "kvm_device.h"
#include "kvm_msr_filter.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

/* On Intel CPUs KVM wants pages below 4 GiB for itself, of which the guest has none there. */
#define TSS_ADDRESS      0xfffbd000ull
#define IDENTITY_ADDRESS 0xfffbc000ull

/* Memory in three slots, of which the second can be logged. */
enum { SLOT_MEMORY, SLOT_LOGGED, SLOT_DEMAND };

_Static_assert(GUEST_LOGGED_BASE + GUEST_LOGGED_SIZE == GUEST_MEMORY_SIZE, "the end of memory");

static char *failed(const char *what)
{
    return text("%s: %s", what, strerror(errno));
}

static int set_slot(int vm, unsigned slot, uint32_t flags, uint64_t physical, uint64_t size,
                    const char *memory)
{
    struct kvm_userspace_memory_region region = {
        .slot = slot,
        .flags = flags,
        .guest_phys_addr = physical,
        .memory_size = size,
        .userspace_addr = (uintptr_t)memory,
    };
    return ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region);
}

/* OUT of AL to the port, and again if somebody goes on behind it. */
static void put_leave_page(struct kvm_machine *machine)
{
    static const uint8_t code[] = {0xe6, KVM_LEAVE_PORT, 0xeb, 0xfc};
    struct blob_header *header = (struct blob_header *)(machine->memory + GUEST_BLOB_BASE);

    memcpy(machine->memory + KVM_LEAVE_PAGE, code, sizeof(code));
    header->leave = KVM_LEAVE_PAGE;
}

/* The main memory is all there before the guest runs: a sample must not be the host's page fault.
 */
static char *make_memory(struct kvm_machine *machine, const void *blob)
{
    const int protection = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;

    machine->memory = mmap(NULL, GUEST_MEMORY_SIZE, protection, flags | MAP_POPULATE, -1, 0);
    machine->demand = mmap(NULL, GUEST_DEMAND_SIZE, protection, flags | MAP_NORESERVE, -1, 0);
    if (machine->memory == MAP_FAILED || machine->demand == MAP_FAILED)
        return failed("no memory for the guest");
    madvise(machine->demand, GUEST_DEMAND_SIZE, MADV_NOHUGEPAGE); /* each touch is one page's */
    guest_memory_load(machine->memory, blob);
    put_leave_page(machine);
    if (set_slot(machine->vm, SLOT_MEMORY, 0, 0, GUEST_LOGGED_BASE, machine->memory) < 0 ||
        set_slot(machine->vm, SLOT_LOGGED, 0, GUEST_LOGGED_BASE, GUEST_LOGGED_SIZE,
                 machine->memory + GUEST_LOGGED_BASE) < 0 ||
        set_slot(machine->vm, SLOT_DEMAND, 0, GUEST_DEMAND_BASE, GUEST_DEMAND_SIZE,
                 machine->demand) < 0)
        return failed("KVM_SET_USER_MEMORY_REGION");
    return NULL;
}

bool kvm_machine_log(struct kvm_machine *machine)
{
    uint64_t bitmap[GUEST_LOGGED_SIZE / 4096 / 64];
    struct kvm_dirty_log log = {.slot = SLOT_LOGGED, .dirty_bitmap = bitmap};

    return set_slot(machine->vm, SLOT_LOGGED, KVM_MEM_LOG_DIRTY_PAGES, GUEST_LOGGED_BASE,
                    GUEST_LOGGED_SIZE, machine->memory + GUEST_LOGGED_BASE) == 0 &&
           ioctl(machine->vm, KVM_GET_DIRTY_LOG, &log) == 0;
}

bool kvm_machine_take_back(struct kvm_machine *machine)
{
    return madvise(machine->demand, GUEST_DEMAND_SIZE, MADV_DONTNEED) == 0;
}

/* PIC, I/O APIC and local APICs in the kernel, and the timer; without, rows about them have none.
 */
static void make_irqchip(struct kvm_machine *machine)
{
    const struct kvm_pit_config pit = {.flags = KVM_PIT_SPEAKER_DUMMY};

    if (!kvm_has(machine->kvm, KVM_CAP_IRQCHIP))
        snprintf(machine->irqchip_absent, sizeof(machine->irqchip_absent),
                 "this KVM lacks KVM_CAP_IRQCHIP");
    else if (ioctl(machine->vm, KVM_CREATE_IRQCHIP, 0) < 0)
        snprintf(machine->irqchip_absent, sizeof(machine->irqchip_absent), "KVM_CREATE_IRQCHIP: %s",
                 strerror(errno));
    else
        (void)ioctl(machine->vm, KVM_CREATE_PIT2, &pit); /* no row has need of it */
}

static char *filter_msrs(struct kvm_machine *machine)
{
    struct kvm_filter filter;
    struct kvm_enable_cap cap = {.cap = KVM_CAP_X86_USER_SPACE_MSR,
                                 .args = {KVM_MSR_EXIT_REASON_FILTER}};

    if (!kvm_filter_make(machine->policy, &filter))
        return NULL;
    if (!kvm_has(machine->vm, KVM_CAP_X86_USER_SPACE_MSR) ||
        !kvm_has(machine->vm, KVM_CAP_X86_MSR_FILTER))
        return text("this KVM filters no MSRs: KVM_CAP_X86_MSR_FILTER");
    if (ioctl(machine->vm, KVM_ENABLE_CAP, &cap) < 0)
        return failed("KVM_CAP_X86_USER_SPACE_MSR");
    if (ioctl(machine->vm, KVM_X86_SET_MSR_FILTER, &filter.filter) < 0)
        return failed("KVM_X86_SET_MSR_FILTER");
    return NULL;
}

/* Flat, as the core starts it: core/vmx/guest_state.c. */
static void set_long_mode(struct kvm_sregs *s)
{
    const struct kvm_segment code = {
        .limit = UINT32_MAX, .selector = 8, .type = 11, .present = 1, .s = 1, .l = 1, .g = 1};
    const struct kvm_segment data = {
        .limit = UINT32_MAX, .selector = 16, .type = 3, .present = 1, .s = 1, .db = 1, .g = 1};
    s->cs = code;
    s->ds = s->es = s->fs = s->gs = s->ss = data;
    s->ldt = (struct kvm_segment){.unusable = 1};
    s->tr = (struct kvm_segment){.limit = 0x67, .type = 11, .present = 1};
    s->gdt = s->idt = (struct kvm_dtable){0};
    s->cr0 = 0x80010031; /* PG, WP, NE, ET, PE */
    s->cr3 = GUEST_PAGE_TABLES;
    s->cr4 = 0x20;   /* PAE */
    s->efer = 0x500; /* LMA, LME */
}

#define APIC_BASE_X2APIC 0xc00ull /* enabled, in x2APIC mode */

/* In x2APIC mode, as the core starts it, where there is one. */
static char *make_vcpu(struct kvm_machine *machine, unsigned number, size_t run_size)
{
    struct kvm_vcpu *vcpu = &machine->vcpus[number];
    bool x2apic = !*machine->irqchip_absent && kvm_machine_cpuid(machine, 1, 2) >> 21 & 1;

    vcpu->fd = ioctl(machine->vm, KVM_CREATE_VCPU, (long)number);
    if (vcpu->fd < 0)
        return failed("KVM_CREATE_VCPU");
    vcpu->run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
    if (vcpu->run == MAP_FAILED)
        return failed("mapping of struct kvm_run");
    kvm_cpuid_set_id(machine->cpuid, number);
    if (ioctl(vcpu->fd, KVM_SET_CPUID2, machine->cpuid) < 0)
        return failed("KVM_SET_CPUID2");
    if (ioctl(vcpu->fd, KVM_GET_SREGS, &vcpu->start) < 0)
        return failed("KVM_GET_SREGS");
    if (ioctl(vcpu->fd, KVM_GET_DEBUGREGS, &vcpu->debug) < 0)
        return failed("KVM_GET_DEBUGREGS");
    set_long_mode(&vcpu->start);
    if (x2apic)
        vcpu->start.apic_base |= APIC_BASE_X2APIC;
    machine->vcpu_count = number + 1;
    return NULL;
}

char *kvm_machine_make(struct kvm_machine *machine, int kvm, unsigned vcpus, const void *blob,
                       const struct plan_policy *policy)
{
    uint64_t identity = IDENTITY_ADDRESS;
    int run_size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

    *machine = (struct kvm_machine){.kvm = kvm, .policy = policy};
    if (run_size < (int)sizeof(struct kvm_run))
        return failed("KVM_GET_VCPU_MMAP_SIZE");
    machine->vm = ioctl(kvm, KVM_CREATE_VM, 0);
    if (machine->vm < 0)
        return failed("KVM_CREATE_VM");
    (void)ioctl(machine->vm, KVM_SET_IDENTITY_MAP_ADDR, &identity); /* not asked for on AMD CPUs */
    (void)ioctl(machine->vm, KVM_SET_TSS_ADDR, TSS_ADDRESS);
    char *wrong = make_memory(machine, blob);
    if (!wrong) {
        make_irqchip(machine);
        wrong = kvm_cpuid_make(kvm, policy, &machine->cpuid);
    }
    if (!wrong)
        wrong = filter_msrs(machine);
    for (unsigned i = 0; i < vcpus && !wrong; i++)
        wrong = make_vcpu(machine, i, (size_t)run_size);
    return wrong;
}

char *kvm_vcpu_start(struct kvm_vcpu *vcpu, const struct kvm_start *start)
{
    const struct kvm_regs regs = {
        .rip = start->rip,
        .rsp = start->rsp,
        .rdi = start->rdi,
        .rsi = start->rsi,
        .rdx = start->rdx,
        .rflags = 2,
    };
    struct kvm_mp_state state = {.mp_state = KVM_MP_STATE_RUNNABLE};

    if (ioctl(vcpu->fd, KVM_SET_SREGS, &vcpu->start) < 0)
        return failed("KVM_SET_SREGS");
    if (ioctl(vcpu->fd, KVM_SET_REGS, &regs) < 0)
        return failed("KVM_SET_REGS");
    if (ioctl(vcpu->fd, KVM_SET_DEBUGREGS, &vcpu->debug) < 0)
        return failed("KVM_SET_DEBUGREGS");
    (void)ioctl(vcpu->fd, KVM_SET_MP_STATE, &state); /* fails where it has but one */
    return NULL;
}

uint32_t kvm_machine_cpuid(const struct kvm_machine *machine, uint32_t leaf, unsigned output)
{
    for (uint32_t i = 0; i < machine->cpuid->nent; i++) {
        const struct kvm_cpuid_entry2 *entry = &machine->cpuid->entries[i];
        const uint32_t outputs[] = {entry->eax, entry->ebx, entry->ecx, entry->edx};
        if (entry->function == leaf && entry->index == 0)
            return outputs[output];
    }
    return 0;
}
