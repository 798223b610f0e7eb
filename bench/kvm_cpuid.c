/* SPDX-License-Identifier: MIT */
#include "kvm_cpuid.h"

#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define ENTRIES_MAX 256u

#define LEAF_FEATURES 1u
#define LEAF_TOPOLOGY 0xbu
#define ID_SHIFT      24 /* in EBX of leaf 1 */
#define TSC_DEADLINE  (1u << 24)

/* KVM offers the TSC-deadline timer by a capability and not in the list, for its APIC has it. */
static void add_deadline(int kvm, struct kvm_cpuid2 *cpuid)
{
    if (ioctl(kvm, KVM_CHECK_EXTENSION, (long)KVM_CAP_TSC_DEADLINE_TIMER) <= 0)
        return;
    for (uint32_t i = 0; i < cpuid->nent; i++)
        if (cpuid->entries[i].function == LEAF_FEATURES)
            cpuid->entries[i].ecx |= TSC_DEADLINE;
}

void kvm_cpuid_hide(struct kvm_cpuid2 *cpuid, const struct plan_policy *policy)
{
    for (uint32_t i = 0; i < cpuid->nent; i++)
        for (unsigned h = 0; h < PLAN_CPUID_HIDDEN; h++) {
            struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];
            const struct plan_cpuid_hidden *hidden = &policy->cpuid[h];
            uint32_t *const outputs[] = {&entry->eax, &entry->ebx, &entry->ecx, &entry->edx};
            if (hidden->bits && hidden->output < 4 && hidden->leaf == entry->function &&
                (hidden->subleaf == PLAN_ANY_SUBLEAF || hidden->subleaf == entry->index))
                *outputs[hidden->output] &= ~hidden->bits;
        }
}

void kvm_cpuid_set_id(struct kvm_cpuid2 *cpuid, uint32_t id)
{
    for (uint32_t i = 0; i < cpuid->nent; i++) {
        struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];
        if (entry->function == LEAF_FEATURES)
            entry->ebx = (entry->ebx & ((1u << ID_SHIFT) - 1)) | id << ID_SHIFT;
        else if (entry->function == LEAF_TOPOLOGY)
            entry->edx = id;
    }
}

char *kvm_cpuid_make(int kvm, const struct plan_policy *policy, struct kvm_cpuid2 **cpuid)
{
    *cpuid = zeroed(1, sizeof(**cpuid) + ENTRIES_MAX * sizeof(struct kvm_cpuid_entry2));
    (*cpuid)->nent = ENTRIES_MAX;
    if (ioctl(kvm, KVM_GET_SUPPORTED_CPUID, *cpuid) < 0) {
        char *wrong = text("KVM_GET_SUPPORTED_CPUID: %s", strerror(errno));
        free(*cpuid);
        *cpuid = NULL;
        return wrong;
    }
    add_deadline(kvm, *cpuid);
    kvm_cpuid_hide(*cpuid, policy);
    return NULL;
}
