/* SPDX-License-Identifier: MIT */
#include "kvm_exit.h"

#include "policy_bitmap.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#define EXCEPTION_CODE 0x100u /* start.S: in RDI, with the vector */
#define PM_TIMER_HERTZ 3579545ull
#define PM_TIMER_BITS  0xffffffu
#define NANOSECONDS    1000000000ull

__attribute__((format(printf, 2, 3))) static bool stop_for(struct kvm_stop *stop,
                                                           const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(stop->reason, sizeof(stop->reason), format, arguments);
    va_end(arguments);
    return false;
}

/* The blob has left: with HYPERCALL_PHASE_DONE in RAX, or HYPERCALL_FAILED and why in RDI. */
static bool leave(struct kvm_vcpu *vcpu, struct kvm_stop *stop)
{
    struct kvm_regs regs;

    if (ioctl(vcpu->fd, KVM_GET_REGS, &regs) < 0)
        return stop_for(stop, "KVM_GET_REGS: %s", strerror(errno));
    stop->done = regs.rax == HYPERCALL_PHASE_DONE;
    if (stop->done)
        return false;
    if (regs.rax != HYPERCALL_FAILED)
        return stop_for(stop, "the guest left with 0x%llx in RAX", regs.rax);
    const char *name = regs.rdi >= EXCEPTION_CODE && regs.rdi <= EXCEPTION_CODE + EXCEPTION_LAST
                           ? exception_name((unsigned)regs.rdi - EXCEPTION_CODE)
                           : NULL;
    if (name)
        return stop_for(stop, "the guest took an exception here, #%s", name);
    return stop_for(stop, "the guest did not find what it expects (EXPECT, line %llu)", regs.rdi);
}

/* 3.58 MHz, 24 bits: where Bochs' chipset has it. */
static uint32_t pm_timer(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t ticks = (uint64_t)now.tv_sec * PM_TIMER_HERTZ +
                     (uint64_t)now.tv_nsec * PM_TIMER_HERTZ / NANOSECONDS;
    return (uint32_t)ticks & PM_TIMER_BITS;
}

/* The device's ports keep what is written, the timer counts, and all others read ones. */
static void access_port(struct kvm_machine *machine, uint16_t port, uint8_t *data, uint32_t bytes,
                        bool write)
{
    const uint32_t timer = pm_timer();

    if (port >= GUEST_PORTS && port + bytes <= GUEST_PORTS + GUEST_PORTS_SIZE)
        memcpy(write ? &machine->ports[port - GUEST_PORTS] : data,
               write ? data : &machine->ports[port - GUEST_PORTS], bytes);
    else if (!write && port == GUEST_PM_TIMER && bytes == sizeof(timer))
        memcpy(data, &timer, sizeof(timer));
    else if (!write)
        memset(data, 0xff, bytes);
}

static bool on_port(struct kvm_machine *machine, struct kvm_vcpu *vcpu, struct kvm_stop *stop)
{
    const struct kvm_run *run = vcpu->run;
    uint8_t *data = (uint8_t *)vcpu->run + run->io.data_offset;
    bool write = run->io.direction == KVM_EXIT_IO_OUT;

    if (run->io.port == KVM_LEAVE_PORT && write)
        return leave(vcpu, stop);
    for (uint32_t i = 0; i < run->io.count; i++)
        access_port(machine, run->io.port, data + (size_t)i * run->io.size, run->io.size, write);
    return true;
}

bool kvm_device_memory(struct kvm_machine *machine, uint64_t address, void *data, uint32_t bytes,
                       bool write)
{
    uint64_t first = address >= GUEST_TRAPPED_BASE ? GUEST_TRAPPED_BASE : GUEST_DEVICE_BASE;
    uint64_t offset = address - first;

    if (bytes > 8 || offset >= sizeof(machine->registers) ||
        offset + bytes > sizeof(machine->registers))
        return false;
    memcpy(write ? &machine->registers[offset] : data, write ? data : &machine->registers[offset],
           bytes);
    return true;
}

static bool on_memory(struct kvm_machine *machine, struct kvm_vcpu *vcpu, struct kvm_stop *stop)
{
    struct kvm_run *run = vcpu->run;

    if (kvm_device_memory(machine, run->mmio.phys_addr, run->mmio.data, run->mmio.len,
                          run->mmio.is_write))
        return true;
    return stop_for(stop, "the guest accessed memory that it has not got, at 0x%llx",
                    run->mmio.phys_addr);
}

/*
 * Userspace has no hardware to forward an MSR to. What comes nearest is the vCPU's own, as KVM
 * keeps it: that takes one more system call.
 */
static bool forward_msr(struct kvm_vcpu *vcpu, bool write)
{
    struct kvm_run *run = vcpu->run;
    union {
        struct kvm_msrs list;
        uint8_t bytes[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)];
    } room = {.list = {.nmsrs = 1}};
    struct kvm_msr_entry *entry = room.list.entries;

    *entry = (struct kvm_msr_entry){.index = run->msr.index, .data = run->msr.data};
    if (ioctl(vcpu->fd, write ? KVM_SET_MSRS : KVM_GET_MSRS, &room) != 1)
        return false;
    run->msr.data = entry->data;
    return true;
}

/* As the policy answers what exits; an error is #GP. */
static bool on_msr(struct kvm_machine *machine, struct kvm_vcpu *vcpu, bool write)
{
    struct kvm_run *run = vcpu->run;
    enum policy_answer answer = policy_msr_answer(machine->policy, run->msr.index);

    run->msr.error = answer == ANSWER_REFUSE;
    if (answer == ANSWER_FORWARD)
        run->msr.error = !forward_msr(vcpu, write);
    else if (!write)
        run->msr.data = 0;
    return true;
}

static bool internal_error(const struct kvm_run *run, struct kvm_stop *stop)
{
    static const char *const words[] = {
        [KVM_INTERNAL_ERROR_EMULATION] = "it failed to emulate an instruction",
        [KVM_INTERNAL_ERROR_SIMUL_EX] = "exceptions it could not combine",
        [KVM_INTERNAL_ERROR_DELIVERY_EV] = "an exit while it delivered an event",
        [KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON] = "an exit reason it does not expect",
    };
    uint32_t number = run->internal.suberror;
    const char *known =
        number < sizeof(words) / sizeof(words[0]) && words[number] ? words[number] : "unknown";

    return stop_for(stop, "internal error %" PRIu32 " of this KVM: %s", number, known);
}

/* True to go on. */
static bool on_exit(struct kvm_machine *machine, struct kvm_vcpu *vcpu, struct kvm_stop *stop)
{
    const struct kvm_run *run = vcpu->run;

    switch (run->exit_reason) {
    case KVM_EXIT_IO:
        return on_port(machine, vcpu, stop);
    case KVM_EXIT_MMIO:
        return on_memory(machine, vcpu, stop);
    case KVM_EXIT_X86_RDMSR:
        return on_msr(machine, vcpu, false);
    case KVM_EXIT_X86_WRMSR:
        return on_msr(machine, vcpu, true);
    case KVM_EXIT_INTR:
        return true;
    case KVM_EXIT_HLT:
        return stop_for(stop, "the guest halted, and nothing will wake it");
    case KVM_EXIT_SHUTDOWN:
        return stop_for(stop, "triple fault in the guest");
    case KVM_EXIT_FAIL_ENTRY:
        return stop_for(stop, "the VM entry failed, hardware reason 0x%llx",
                        run->fail_entry.hardware_entry_failure_reason);
    case KVM_EXIT_INTERNAL_ERROR:
        return internal_error(run, stop);
    default:
        return stop_for(stop, "exit to userspace for reason %u, which nothing here answers",
                        run->exit_reason);
    }
}

void kvm_run(struct kvm_machine *machine, struct kvm_vcpu *vcpu, struct kvm_stop *stop)
{
    *stop = (struct kvm_stop){0};
    do {
        if (ioctl(vcpu->fd, KVM_RUN, 0) < 0 && errno != EINTR && errno != EAGAIN) {
            stop_for(stop, "KVM_RUN: %s", strerror(errno));
            return;
        }
    } while (on_exit(machine, vcpu, stop));
}
