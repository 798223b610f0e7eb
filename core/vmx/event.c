/* SPDX-License-Identifier: MIT */
#include "event.h"

#include "../exits/apic_bus.h"
#include "../exits/apic_timer.h"
#include "../exits/apic_virtual.h"
#include "../x86/control_registers.h"

#define MISC_ACTIVITY_HLT (1ull << 6) /* IA32_VMX_MISC */

bool event_keep_interrupted(struct vcpu *vcpu)
{
    uint32_t info = (uint32_t)vmread(VMCS_IDT_VECTORING_INFO);

    if (!(info & EVENT_VALID))
        return false;
    vcpu->events.interrupted = info & ~EVENT_UNBLOCKED_NMIS; /* undefined here, reserved there */
    vcpu->events.error_code = (uint32_t)vmread(VMCS_IDT_VECTORING_ERROR_CODE);
    vcpu->events.length = (uint32_t)vmread(VMCS_EXIT_INSTRUCTION_LENGTH);
    return true;
}

void event_block_nmis_again(uint64_t information)
{
    if (information & EVENT_UNBLOCKED_NMIS && !(vmread(VMCS_IDT_VECTORING_INFO) & EVENT_VALID))
        vmwrite(VMCS_GUEST_INTERRUPTIBILITY, vmread(VMCS_GUEST_INTERRUPTIBILITY) | BLOCKING_BY_NMI);
}

static void inject(uint32_t info)
{
    vmwrite(VMCS_ENTRY_INTERRUPTION_INFO, info | EVENT_VALID);
}

static void inject_again(struct pending_events *events)
{
    uint32_t type = events->interrupted & EVENT_TYPE;

    if (events->interrupted & EVENT_DELIVER_ERROR_CODE)
        vmwrite(VMCS_ENTRY_EXCEPTION_ERROR_CODE, events->error_code);
    if (type == EVENT_SOFTWARE_INTERRUPT || type == EVENT_PRIVILEGED_TRAP ||
        type == EVENT_SOFTWARE_EXCEPTION)
        vmwrite(VMCS_ENTRY_INSTRUCTION_LENGTH, events->length);
    /* An NMI blocks NMIs from its delivery on; that one has not been delivered. */
    if (type == EVENT_NMI)
        vmwrite(VMCS_GUEST_INTERRUPTIBILITY,
                vmread(VMCS_GUEST_INTERRUPTIBILITY) & ~(uint64_t)BLOCKING_BY_NMI);
    inject(events->interrupted);
    events->interrupted = 0;
}

/* The highest vector that waits; from the pins, else from the local APIC. -1: none. */
static int waiting_interrupt(const struct vcpu *vcpu, bool *from_pins)
{
    for (int i = 3; i >= 0; i--)
        if (vcpu->events.acknowledged[i]) {
            *from_pins = true;
            return 64 * i + 63 - __builtin_clzll(vcpu->events.acknowledged[i]);
        }
    *from_pins = false;
    return apic_virtual_delivers(vcpu) ? -1 : local_apic_waiting(&vcpu->apic);
}

bool event_interrupt_waits(const struct vcpu *vcpu)
{
    bool from_pins;
    return waiting_interrupt(vcpu, &from_pins) >= 0 || local_apic_waiting(&vcpu->apic) >= 0;
}

bool event_can_wake(const struct vcpu *vcpu)
{
    /* Its interrupts come from devices, of which nothing is known here. */
    if (vcpu->has_machine)
        return vcpu->capability->misc & MISC_ACTIVITY_HLT && vmread(VMCS_GUEST_RFLAGS) & RFLAGS_IF;
    if (!(vcpu->controls[CONTROL_PIN_BASED] & PIN_BASED_EXTERNAL_INTERRUPT_EXITING) ||
        !(vcpu->capability->misc & MISC_ACTIVITY_HLT) || local_apic_is_hardware(&vcpu->apic))
        return false;
    return apic_bus_has_others(&vcpu->apic) ||
           (local_apic_timer_will_wake(&vcpu->apic) && vmread(VMCS_GUEST_RFLAGS) & RFLAGS_IF);
}

/* What has come since the last look; false if the vCPU is to go no further. */
static bool collect(struct vcpu *vcpu)
{
    if (local_apic_is_hardware(&vcpu->apic))
        return true;
    local_apic_look_at_timer(&vcpu->apic);
    if (!apic_bus_has_posted(&vcpu->apic))
        return true;
    struct apic_signals signals = apic_bus_collect(&vcpu->apic);
    if (signals.init)
        vcpu->events = (struct pending_events){0};
    vcpu->events.nmi |= signals.nmi;
    if (signals.startup)
        vcpu_stop(vcpu, STOP_STARTUP_IPI, signals.vector, NULL);
    else if (signals.waits)
        vcpu_stop(vcpu, STOP_INIT, 0, NULL);
    return !signals.startup && !signals.waits;
}

static void inject_interrupt(struct vcpu *vcpu, int vector, bool from_pins)
{
    if (from_pins)
        vcpu->events.acknowledged[vector / 64] &= ~(1ull << vector % 64);
    else
        local_apic_accept(&vcpu->apic, (uint8_t)vector);
    inject(EVENT_EXTERNAL_INTERRUPT | (uint32_t)vector);
}

/* Sets or clears a window in the primary controls, if it is not so already. */
static void set_window(struct vcpu *vcpu, uint32_t window, bool open)
{
    uint32_t *controls = &vcpu->controls[CONTROL_PRIMARY];

    if (!(*controls & window) == !open)
        return;
    *controls ^= window;
    vmwrite(VMCS_PRIMARY_CONTROLS, *controls);
}

/*
 * A guest has executed HLT, and goes on from there only with what is injected, or delivered by the
 * CPU. False, vcpu->stop saying so, if nothing will ever come. The activity state of the VMCS is
 * not asked: Bochs has it active after an external interrupt.
 */
static bool may_go_on(struct vcpu *vcpu, bool injected)
{
    if (injected || (vmread(VMCS_GUEST_RFLAGS) & RFLAGS_IF && event_interrupt_waits(vcpu))) {
        vcpu->events.halted = false;
        return true;
    }
    if (event_can_wake(vcpu)) {
        vmwrite(VMCS_GUEST_ACTIVITY, ACTIVITY_HLT);
        return true;
    }
    vcpu->events.halted = false;
    vmwrite(VMCS_GUEST_ACTIVITY, ACTIVITY_ACTIVE);
    vcpu_stop(vcpu, STOP_HALTED, 0, NULL);
    return false;
}

enum exit_outcome event_prepare(struct vcpu *vcpu)
{
    struct pending_events *events = &vcpu->events;

    if (!collect(vcpu))
        return EXIT_STOP;
    uint64_t blocking = vmread(VMCS_GUEST_INTERRUPTIBILITY);
    bool taken = vmread(VMCS_ENTRY_INTERRUPTION_INFO) & EVENT_VALID, from_pins;

    if (platform_nmi_waits())
        events->nmi = true;
    if (!taken && events->interrupted) {
        inject_again(events);
        taken = true;
    }
    if (!taken && events->nmi &&
        !(blocking & (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS | BLOCKING_BY_NMI))) {
        events->nmi = false;
        inject(EVENT_NMI | VECTOR_NMI);
        taken = true;
    }
    int vector = waiting_interrupt(vcpu, &from_pins);
    if (!taken && vector >= 0 && vmread(VMCS_GUEST_RFLAGS) & RFLAGS_IF &&
        !(blocking & (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS))) {
        inject_interrupt(vcpu, vector, from_pins);
        taken = true;
        vector = waiting_interrupt(vcpu, &from_pins);
    }
    set_window(vcpu, (uint32_t)PRIMARY_INTERRUPT_WINDOW_EXITING, vector >= 0 || events->held);
    if (vcpu->controls[CONTROL_PIN_BASED] & PIN_BASED_VIRTUAL_NMIS)
        set_window(vcpu, (uint32_t)PRIMARY_NMI_WINDOW_EXITING, events->nmi);
    apic_virtual_prepare(vcpu);
    return events->halted && !may_go_on(vcpu, taken) ? EXIT_STOP : EXIT_RESUME;
}

bool event_begin(struct vcpu *vcpu)
{
    struct local_apic *apic = &vcpu->apic;

    if (local_apic_is_hardware(apic))
        return true;
    apic_bus_begin(apic, platform_cpu_number());
    local_apic_timer_begin(apic, vcpu->controls[CONTROL_PIN_BASED] &
                                     PIN_BASED_EXTERNAL_INTERRUPT_EXITING);
    apic_virtual_prepare(vcpu);
    if (!apic_bus_has_posted(apic) && !(apic->attention & LOCAL_APIC_REQUESTED) &&
        !vcpu->events.halted)
        return true;
    if (event_prepare(vcpu) != EXIT_STOP)
        return true;
    event_end(vcpu);
    return false;
}

void event_end(struct vcpu *vcpu)
{
    if (local_apic_is_hardware(&vcpu->apic))
        return;
    local_apic_timer_end(&vcpu->apic);
    apic_bus_end(&vcpu->apic);
}
