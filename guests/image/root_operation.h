/* SPDX-License-Identifier: MIT */
/*
 * Operations of VMX root operation, measured by the image itself: a row with ROW_ROOT is run by
 * this, and enters no guest. root_operation_list.h says which there are.
 */
#ifndef EXITMETER_GUESTS_IMAGE_ROOT_OPERATION_H
#define EXITMETER_GUESTS_IMAGE_ROOT_OPERATION_H

#include "../../core/vmx/vcpu.h"
#include "../blob.h"

/* What the CPU must have. */
enum root_need {
    NEEDS_NOTHING = 0,
    NEEDS_INVEPT_SINGLE,
    NEEDS_INVEPT_ALL,
    NEEDS_INVVPID_ADDRESS,
    NEEDS_INVVPID_SINGLE,
    NEEDS_INVVPID_ALL,
    NEEDS_INVVPID_KEEP_GLOBALS,
    NEEDS_XSAVE,
    NEEDS_RDPMC,
    NEEDS_RDTSCP,
    ROOT_NEEDS
};

/* What the operations work on, such that each leaves the machine as it found it. */
struct root_operands {
    uint64_t vmcs[2];       /* physical addresses: the vCPU's, and another's; they change places */
    uint64_t inactive_vmcs; /* physical address of a third */
    uint64_t stored;        /* VMPTRST's */
    uint64_t rip;           /* the guest's, as the VMCS has it */
    uint64_t msr, xcr0, cr2, cr3, dr6; /* as the CPU has them */
    struct invalidation_descriptor ept, vpid;
    struct vcpu *vcpu;
    struct ept *map;    /* the vCPU's, with the pages of GUEST_LOGGED_BASE by themselves */
    struct vmcs own[2]; /* the VMCSs that are not the vCPU's */
};

/* Fills count samples, 1 or more. */
typedef void root_code(struct sample *samples, uint64_t count, struct root_operands *with);

/* Executes it once; whether it failed as VMX instructions do (VMfail, SDM Vol. 3C 31.2). */
typedef bool root_trial(struct root_operands *with);

struct root_operation {
    const char *name; /* as its row's */
    enum root_need needs;
    root_trial *fails;
    root_code *code[GUEST_TWICE + 1]; /* by enum guest_phase_code */
};

/* NULL if there is none of that name. */
const struct root_operation *root_operation_find(const char *name);

/* Why this CPU cannot execute it, in words; NULL if it can. */
const char *root_operation_lacks(const struct root_operation *operation,
                                 const struct vmx_capability *capability);

/*
 * For a vCPU whose VMCS is current, and its map; false if there is no memory. This CPU holds the
 * host's resident state from then on.
 */
bool root_operands_make(struct root_operands *operands, struct vcpu *vcpu, struct ept *map);

/* Makes the vCPU's VMCS current again and frees the others; false if that failed. */
bool root_operands_end(struct root_operands *operands, const struct vcpu *vcpu);

/* All there are, in the list's order; root_code.c defines them. */
extern const struct root_operation root_operations[];
extern const unsigned root_operation_count;

#endif
