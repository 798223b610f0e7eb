/* SPDX-License-Identifier: MIT */
#include "registers.h"

/* Where each lies in struct vcpu; RSP is the VMCS's. */
static const uint16_t offset_of[16] = {
    offsetof(struct vcpu, rax),
    offsetof(struct vcpu, rcx),
    offsetof(struct vcpu, rdx),
    offsetof(struct vcpu, rbx),
    0,
    offsetof(struct vcpu, rbp),
    offsetof(struct vcpu, rsi),
    offsetof(struct vcpu, rdi),
    offsetof(struct vcpu, r8),
    offsetof(struct vcpu, r9),
    offsetof(struct vcpu, r10),
    offsetof(struct vcpu, r11),
    offsetof(struct vcpu, r12),
    offsetof(struct vcpu, r13),
    offsetof(struct vcpu, r14),
    offsetof(struct vcpu, r15),
};

uint64_t vcpu_register(const struct vcpu *vcpu, unsigned number)
{
    if (number == REGISTER_RSP)
        return vmread(VMCS_GUEST_RSP);
    return *(const uint64_t *)((const char *)vcpu + offset_of[number & 15]);
}

void vcpu_set_register(struct vcpu *vcpu, unsigned number, uint64_t value)
{
    if (number == REGISTER_RSP)
        vmwrite(VMCS_GUEST_RSP, value);
    else
        *(uint64_t *)((char *)vcpu + offset_of[number & 15]) = value;
}
