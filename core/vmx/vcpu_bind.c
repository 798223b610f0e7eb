/* SPDX-License-Identifier: MIT */
/* Which vCPU is bound to which CPU, and which one's VMCS is current there (SDM Vol. 3C 25.11.1). */
#include "vcpu.h"

#include "../exits/invalidation.h"
#include "host_state.h"

/* By CPU; only that CPU looks at its own. NULL, or a vCPU that is bound to it. */
static struct vcpu *current[PLATFORM_CPUS_MAX];

static const struct vcpu_stop elsewhere = {
    .cause = STOP_BOUND_ELSEWHERE,
    .text = "its own CPU must unbind it first",
};

static bool host_state_is(const struct vcpu *vcpu, const struct vcpu_host *now)
{
    return vcpu->host.cpu == now->cpu && vcpu->host.cr0 == now->cr0 && vcpu->host.cr3 == now->cr3 &&
           vcpu->host.cr4 == now->cr4;
}

/* Writes the host state if the VMCS has another. */
static bool bring_host_state(struct vcpu *vcpu, uint32_t cpu)
{
    const struct vcpu_host now = {cpu, x86_read_cr0(), x86_read_cr3(), x86_read_cr4()};
    uint32_t failure = VMCS_NO_FIELD;

    if (host_state_is(vcpu, &now))
        return true;
    vcpu->host.cpu = VCPU_UNBOUND; /* until it is whole */
    host_state_write(&failure);
    if (!vcpu_written(vcpu, failure))
        return false;
    vcpu->host = now;
    return true;
}

static bool refused(struct vcpu *vcpu, const char *instruction)
{
    vcpu->stop = (struct vcpu_stop){.cause = STOP_VMCS_REFUSED, .text = instruction};
    return false;
}

/* The instruction that failed; NULL if none did. */
static const char *make_current(struct vcpu *vcpu, uint32_t cpu)
{
    if (vcpu->unclear && !vmcs_unbind(&vcpu->vmcs))
        return "VMCLEAR";
    vcpu->unclear = false;
    if (!vmcs_bind(&vcpu->vmcs))
        return "VMPTRLD";
    current[cpu] = vcpu;
    return NULL;
}

const struct vcpu_stop *vcpu_bind(struct vcpu *vcpu)
{
    uint32_t cpu = platform_cpu_number(), bound = VCPU_UNBOUND;

    if (__atomic_compare_exchange_n(&vcpu->cpu, &bound, cpu, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE))
        vcpu->stale = true;
    else if (bound != cpu)
        return &elsewhere;
    const char *failed = current[cpu] == vcpu ? NULL : make_current(vcpu, cpu);
    if (failed) {
        refused(vcpu, failed);
        if (bound == VCPU_UNBOUND)
            __atomic_store_n(&vcpu->cpu, VCPU_UNBOUND, __ATOMIC_RELEASE);
        return &vcpu->stop;
    }
    if (bring_host_state(vcpu, cpu))
        return NULL;
    vcpu_unbind(vcpu);
    return &vcpu->stop;
}

bool vcpu_unbind(struct vcpu *vcpu)
{
    uint32_t cpu = platform_cpu_number(), bound = __atomic_load_n(&vcpu->cpu, __ATOMIC_ACQUIRE);

    if (bound == VCPU_UNBOUND)
        return true;
    if (bound != cpu)
        return false;
    resident_leave(vcpu);
    if (!vmcs_unbind(&vcpu->vmcs))
        return false;
    vcpu->launched = vcpu->unclear = false;
    if (current[cpu] == vcpu)
        current[cpu] = NULL;
    __atomic_store_n(&vcpu->cpu, VCPU_UNBOUND, __ATOMIC_RELEASE);
    return true;
}

void vcpu_clear(struct vcpu *vcpu)
{
    uint32_t cpu = platform_cpu_number();

    current[cpu] = NULL;
    vcpu->launched = false;
    vcpu->unclear = true;
    make_current(vcpu, cpu);
}

/*
 * INVEPT and INVVPID by single context are this CPU's business alone (SDM Vol. 3C 29.4.3.4). While
 * a vCPU is not bound, guests' tables and even the owner of the VPID may change without this CPU
 * hearing of it; so the first run of each bind does INVVPID, whichever CPU it was on before. The
 * EPT tells of its changes.
 */
bool vcpu_invalidate_stale(struct vcpu *vcpu)
{
    if (vcpu->stale) {
        vcpu->stale = false;
        guest_invalidate_all(vcpu);
    }
    if (ept_use(vcpu->ept, &vcpu->ept_seen))
        return true;
    return refused(vcpu, "INVEPT");
}
