/* SPDX-License-Identifier: MIT */
/* INVLPG and INVPCID, and the invalidations that other handlers owe. */
#include "invalidation.h"

#include "../vmx/registers.h"
#include "../x86/canonical.h"
#include "advance.h"
#include "guest_mode.h"
#include "operand.h"

/* INVVPID types, SDM Vol. 3C table 31-2; IA32_VMX_EPT_VPID_CAP has their bits from 40 on. */
enum {
    INVVPID_SINGLE = 1,
    INVVPID_ALL = 2,
    INVVPID_SINGLE_NON_GLOBAL = 3,
};

static void invalidate(struct vcpu *vcpu, const uint8_t types[3])
{
    uint64_t capability = vcpu->capability->ept_vpid;

    if (!(vcpu->controls[CONTROL_SECONDARY] & SECONDARY_VPID))
        return; /* every VM entry does it */
    for (int i = 0; i < 3; i++)
        if (capability & EPT_CAP_INVVPID && capability >> (40 + types[i]) & 1) {
            struct invalidation_descriptor what = {.selector = vcpu->vpid};
            PROBE_COUNT(invalidations);
            if (x86_invvpid(types[i], what) == VMX_SUCCEED)
                return;
        }
    /* No INVVPID that would do: from now on without a VPID, so that VM entries do it. */
    vcpu->controls[CONTROL_SECONDARY] &= ~(uint32_t)SECONDARY_VPID;
    vmwrite(VMCS_SECONDARY_CONTROLS, vcpu->controls[CONTROL_SECONDARY]);
}

void guest_invalidate_all(struct vcpu *vcpu)
{
    static const uint8_t types[3] = {INVVPID_SINGLE, INVVPID_ALL, INVVPID_ALL};
    invalidate(vcpu, types);
}

void guest_invalidate_non_global(struct vcpu *vcpu)
{
    static const uint8_t types[3] = {INVVPID_SINGLE_NON_GLOBAL, INVVPID_SINGLE, INVVPID_ALL};
    invalidate(vcpu, types);
}

/*
 * Everything, and not the one page by INVVPID's individual-address type: INVLPG also invalidates
 * all of the paging-structure caches, whatever the address (SDM Vol. 3A 4.10.4.1), and that type
 * does not.
 */
enum exit_outcome exit_invlpg(struct vcpu *vcpu)
{
    PROBE_DETAIL(vmread(VMCS_EXIT_QUALIFICATION)); /* the linear address */
    guest_invalidate_all(vcpu);
    guest_advance();
    return EXIT_RESUME;
}

/* INVPCID's types and the first quadword of its descriptor, SDM Vol. 2A. */
#define INVPCID_ADDRESS        0
#define INVPCID_SINGLE_CONTEXT 1
#define INVPCID_TYPES          4
#define DESCRIPTOR_RESERVED    (~0ull << 12)

static bool invpcid_is_valid(uint64_t type, const uint64_t descriptor[2])
{
    uint64_t cr4 = guest_cr4(), pcid = descriptor[0];

    if (type >= INVPCID_TYPES || pcid & DESCRIPTOR_RESERVED)
        return false;
    if (type <= INVPCID_SINGLE_CONTEXT && pcid && !(cr4 & CR4_PCIDE))
        return false;
    return type != INVPCID_ADDRESS ||
           is_canonical(descriptor[1], cr4 & CR4_LA57 ? LINEAR_WIDTH_5 : LINEAR_WIDTH_4);
}

/* Of every type everything, as INVVPID knows of no PCIDs. */
enum exit_outcome exit_invpcid(struct vcpu *vcpu)
{
    uint64_t information = vmread(VMCS_EXIT_INSTRUCTION_INFO), descriptor[2];
    uint64_t type = vcpu_register(vcpu, OPERAND_REGISTER_2(information));
    enum exit_outcome outcome;

    PROBE_DETAIL(type);
    if (!guest_in_64_bit_mode())
        type = (uint32_t)type;
    if (!operand_read(vcpu, information, descriptor, sizeof(descriptor),
                      "INVPCID: descriptor outside of guest memory", &outcome))
        return outcome;
    if (!invpcid_is_valid(type, descriptor))
        return event_exception(vcpu, VECTOR_GP, 0);
    guest_invalidate_all(vcpu);
    guest_advance();
    return EXIT_RESUME;
}
