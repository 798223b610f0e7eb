/* SPDX-License-Identifier: MIT */
#include "ports.h"

#include "../x86/instructions.h"
#include "vcpu.h"

bool ports_add(struct ports *ports, uint16_t first, uint16_t last, port_handler *handler,
               void *context)
{
    if (first > last || ports->count == PORTS_RANGES_MAX)
        return false;
    for (unsigned i = 0; i < ports->count; i++)
        if (first <= ports->ranges[i].last && last >= ports->ranges[i].first)
            return false;
    ports->ranges[ports->count++] = (struct port_range){first, last, handler, context};
    return true;
}

void ports_forward(uint16_t port, unsigned bytes, bool write, uint32_t *value)
{
    if (bytes == 1 && write)
        x86_out8(port, (uint8_t)*value);
    else if (bytes == 1)
        *value = x86_in8(port);
    else if (bytes == 2 && write)
        x86_out16(port, (uint16_t)*value);
    else if (bytes == 2)
        *value = x86_in16(port);
    else if (write)
        x86_out32(port, *value);
    else
        *value = x86_in32(port);
}

static bool is_emulated(const struct ports *ports, uint16_t port)
{
    return ports->ones && ports->ones[port / 8] >> port % 8 & 1;
}

/*
 * Ports that no range has: an access is whole if all of them are the hardware's, and byte by byte
 * else. A read finds ones there already.
 */
static __attribute__((noinline)) void unclaimed(const struct ports *ports, uint16_t port,
                                                unsigned bytes, bool write, uint32_t *value)
{
    bool forwarded = true;

    for (unsigned i = 0; i < bytes; i++)
        forwarded = forwarded && !is_emulated(ports, (uint16_t)(port + i));
    if (forwarded) {
        ports_forward(port, bytes, write, value);
        return;
    }
    for (unsigned i = 0; i < bytes; i++) {
        uint32_t byte = *value >> 8 * i & 0xff;
        if (is_emulated(ports, (uint16_t)(port + i)))
            continue;
        ports_forward((uint16_t)(port + i), 1, write, &byte);
        if (!write)
            *value = (*value & ~(0xffu << 8 * i)) | (byte & 0xff) << 8 * i;
    }
}

/* An access that is not cut: all of it in the range, or, that being NULL, in none. */
static enum port_result access_whole(struct vcpu *vcpu, const struct port_range *range,
                                     uint16_t port, unsigned bytes, bool write, uint32_t *value)
{
    const uint32_t ones = UINT32_MAX >> (32 - 8 * bytes);
    enum port_result result = PORT_DONE;

    if (!write)
        *value = ones;
    if (range)
        result = range->handler(vcpu, range->context, port, bytes, write, value);
    else
        unclaimed(vcpu->ports, port, bytes, write, value);
    if (!write)
        *value &= ones;
    return result;
}

static const struct port_range *find(const struct ports *ports, uint16_t port)
{
    for (unsigned i = 0; i < ports->count; i++)
        if (port >= ports->ranges[i].first && port <= ports->ranges[i].last)
            return &ports->ranges[i];
    return NULL;
}

enum port_result ports_access(struct vcpu *vcpu, uint16_t port, unsigned bytes, bool write,
                              uint32_t *value)
{
    const struct port_range *range[4];
    enum port_result result = PORT_DONE;
    bool whole;
    uint32_t read = 0;

    /* In a row: a range of every port has both ends of an access that wraps. */
    range[0] = find(vcpu->ports, port);
    whole = range[0] && port + bytes - 1 <= range[0]->last;
    if (!whole) {
        whole = !range[0];
        for (unsigned i = 1; i < bytes; i++) {
            range[i] = find(vcpu->ports, (uint16_t)(port + i));
            whole = whole && !range[i];
        }
    }
    if (whole)
        return access_whole(vcpu, range[0], port, bytes, write, value);
    for (unsigned i = 0; i < bytes && result != PORT_REFUSED; i++) {
        uint32_t byte = *value >> 8 * i & 0xff;
        enum port_result done = access_whole(vcpu, range[i], (uint16_t)(port + i), 1, write, &byte);
        result = done > result ? done : result;
        read |= byte << 8 * i;
    }
    if (!write)
        *value = read;
    return result;
}
