/* SPDX-License-Identifier: MIT */
/* Bytes between the guest and the core, once walk.c has found where they are. */
#include "segment.h"
#include "walk.h"

#include <string.h>

void guest_span_read(const struct guest_span *span, void *buffer)
{
    memcpy(buffer, span->at[0], span->bytes[0]);
    if (span->bytes[1])
        memcpy((uint8_t *)buffer + span->bytes[0], span->at[1], span->bytes[1]);
}

void guest_span_write(const struct guest_span *span, const void *buffer)
{
    memcpy(span->at[0], buffer, span->bytes[0]);
    if (span->bytes[1])
        memcpy(span->at[1], (const uint8_t *)buffer + span->bytes[0], span->bytes[1]);
}

static enum guest_reached reach(const struct vcpu *vcpu, uint64_t linear, size_t size,
                                unsigned access, struct guest_span *span, struct guest_fault *fault)
{
    struct guest_paging paging;

    guest_paging_read(&paging, vcpu);
    return guest_reach(&paging, linear, size, access, span, fault);
}

enum guest_reached guest_read(const struct vcpu *vcpu, uint64_t linear, void *buffer, size_t size,
                              unsigned access, struct guest_fault *fault)
{
    struct guest_span span;
    enum guest_reached reached = reach(vcpu, linear, size, access, &span, fault);

    if (reached == GUEST_REACHED)
        guest_span_read(&span, buffer);
    return reached;
}

enum guest_reached guest_write(const struct vcpu *vcpu, uint64_t linear, const void *buffer,
                               size_t size, unsigned access, struct guest_fault *fault)
{
    struct guest_span span;
    enum guest_reached reached = reach(vcpu, linear, size, access, &span, fault);

    if (reached == GUEST_REACHED)
        guest_span_write(&span, buffer);
    return reached;
}

enum guest_reached guest_fetch(const struct vcpu *vcpu, void *buffer, size_t size,
                               struct guest_fault *fault)
{
    /* In 64-bit mode the base of CS is 0, also in the VMCS (SDM Vol. 3C 27.3.1.2). */
    uint64_t linear = vmread(VMCS_GUEST_RIP);

    if (!(vmread(VMCS_GUEST_CS_ACCESS_RIGHTS) & SEGMENT_LONG))
        linear = (uint32_t)(linear + vmread(VMCS_GUEST_CS_BASE));
    return guest_read(vcpu, linear, buffer, size, GUEST_FETCH, fault);
}
