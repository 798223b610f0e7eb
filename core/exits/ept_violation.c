/* SPDX-License-Identifier: MIT */
/*
 * EPT violations: the guest accessed what its map does not have, or not so. First touch of memory
 * on demand is the common one, and short, as is a write that is logged; a device is emulated;
 * anything else stops the guest.
 */
#include "../vmx/demand.h"
#include "../vmx/dirty_log.h"
#include "../vmx/event.h"
#include "mmio.h"

/*
 * The access was completed, or will be when the guest tries again: what else the exit interrupted
 * is put back. The qualification's bit on NMIs means nothing without virtual NMIs (28.2.3).
 */
static inline enum exit_outcome try_again(struct vcpu *vcpu, uint64_t qualification)
{
    if (__builtin_expect(event_keep_interrupted(vcpu), 0))
        return EXIT_EVENTS;
    if (__builtin_expect((qualification & EVENT_UNBLOCKED_NMIS) != 0, 0) &&
        vcpu->controls[CONTROL_PIN_BASED] & PIN_BASED_VIRTUAL_NMIS)
        event_block_nmis_again(qualification);
    return EXIT_RESUME;
}

/* Apart, so that a first touch saves no registers for it. */
static __attribute__((noinline)) enum exit_outcome
not_supplied(struct vcpu *vcpu, uint64_t qualification, uint64_t physical)
{
    struct dirty_log *log = vcpu->ept->log;

    if (log && qualification & VIOLATION_WRITE && dirty_log_note(log, physical))
        return try_again(vcpu, qualification);
    vcpu->violation.qualification = qualification;
    vcpu->violation.physical = physical;
    return EXIT_UNFINISHED;
}

enum exit_outcome exit_ept_violation(struct vcpu *vcpu)
{
    uint64_t qualification = vmread(VMCS_EXIT_QUALIFICATION);
    uint64_t physical = vmread(VMCS_GUEST_PHYSICAL_ADDRESS);
    struct demand *demand = vcpu->ept->demand;
    enum demand_result result = DEMAND_NOT_HERE;

    PROBE_DETAIL(physical);
    if (demand)
        result = demand_supply(demand, physical, qualification & VIOLATION_ACCESS);
    if (__builtin_expect(result == DEMAND_SUPPLIED, 1))
        return try_again(vcpu, qualification);
    if (result == DEMAND_NO_MEMORY)
        return vcpu_stop(vcpu, STOP_MEMORY, physical, "no page left for memory on demand");
    return not_supplied(vcpu, qualification, physical);
}

/* What the guest did, to what, and on whose account. */
#define KINDS(what)                                                                    \
    {                                                                                  \
        "read " what, "write " what, "instruction fetch " what, "read and write " what \
    }
static const char *const refusals[2][2][4] = {
    {KINDS("of an address that is not mapped"), KINDS("that the memory does not allow")},
    {KINDS("of an address that is not mapped, by page tables"),
     KINDS("that the memory does not allow, by page tables")},
};

static enum exit_outcome refuse(struct vcpu *vcpu, uint64_t qualification, uint64_t physical)
{
    bool read = qualification & VIOLATION_READ, write = qualification & VIOLATION_WRITE;
    unsigned kind = qualification & VIOLATION_FETCH ? 2 : read && write ? 3 : write;
    bool tables = qualification & VIOLATION_LINEAR && !(qualification & VIOLATION_FINAL);

    PROBE_RIP(vmread(VMCS_GUEST_RIP));
    return vcpu_stop(vcpu, STOP_MEMORY, physical,
                     refusals[tables][(qualification & VIOLATION_ALLOWED) != 0][kind]);
}

enum exit_outcome exit_ept_violation_other(struct vcpu *vcpu)
{
    uint64_t qualification = vcpu->violation.qualification, physical = vcpu->violation.physical;
    const struct mmio_range *range = mmio_find(vcpu->mmio, physical);

    if (!range)
        return refuse(vcpu, qualification, physical);
    return exit_mmio(vcpu, range, physical, qualification);
}
