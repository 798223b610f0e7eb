/* SPDX-License-Identifier: MIT */
#include "other.h"

#include "../../core/boot/smp.h"
#include "../../core/vmx/dump.h"

static void enable(void *argument)
{
    struct other *other = argument;

    other->refusal = vmx_enable(&other->vmx);
}

static void disable(void *argument)
{
    struct other *other = argument;

    vmx_disable(&other->vmx);
}

const char *other_create(struct other *other, struct vcpu *first)
{
    smp_call(OTHER_CPU, enable, other);
    smp_wait(OTHER_CPU);
    if (other->refusal)
        return other->refusal;
    other->vcpu = vcpu_create(first->capability, first->ept);
    if (!other->vcpu)
        return "no memory for the second vCPU";
    other->first = first;
    return NULL;
}

void other_destroy(struct other *other)
{
    if (!other->vcpu)
        return;
    vcpu_destroy(other->vcpu);
    smp_call(OTHER_CPU, disable, other);
    smp_wait(OTHER_CPU);
}

void other_connect(struct other *other)
{
    other->bus = (struct apic_bus){0};
    local_apic_reset(&other->vcpu->apic, OTHER_CPU);
    apic_bus_add(&other->bus, &other->first->apic);
    apic_bus_add(&other->bus, &other->vcpu->apic);
}

static bool start(struct other *other)
{
    struct vcpu *vcpu = other->vcpu;

    vcpu->mmio = other->first->mmio;
    vcpu->ports = other->first->ports;
    vcpu->apic_access_page = other->first->apic_access_page;
    if (!vcpu_apply_policy(vcpu, other->policy) || !vcpu_start(vcpu, &other->start))
        return false;
    vcpu_set_time_limit(vcpu, other->time_limit);
    return true;
}

/* On the second CPU. It has been started where it is, so its SIPI is no more than a formality. */
static void run(void *argument)
{
    struct other *other = argument;
    struct vcpu *vcpu = other->vcpu;

    if (start(other) && vcpu_run(vcpu)->cause == STOP_STARTUP_IPI)
        vcpu_run(vcpu);
    other->stop = vcpu->stop;
    if (other->stop.cause != STOP_PHASE_DONE) {
        vcpu_kick(other->first);
        if (other->stop.cause != STOP_KICKED && vcpu->cpu == OTHER_CPU)
            vcpu_dump(vcpu);
    }
    vcpu_unbind(vcpu);
    platform_apic_is_guests(false, false);
}

void other_begin(struct other *other)
{
    apic_post_startup(&other->vcpu->apic, 0);
    smp_call(OTHER_CPU, run, other);
}

/* The first CPU's own APIC too: what it waits for comes by it. */
bool other_end(struct other *other, bool first_is_done)
{
    platform_apic_is_guests(false, false);
    if (!first_is_done)
        vcpu_kick(other->vcpu);
    smp_wait(OTHER_CPU);
    other->first->kicked = other->vcpu->kicked = false; /* one that came too late */
    return other->stop.cause == STOP_PHASE_DONE;
}
