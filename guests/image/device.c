/* SPDX-License-Identifier: MIT */
#include "device.h"

#include "../../core/platform.h"
#include "../../core/vmx/vcpu.h"

#include <string.h>

void device_reset(struct device *device)
{
    device->page = 0;
    memset(device->registers, 0, sizeof(device->registers));
    memset(device->ports, 0, sizeof(device->ports));
}

/* The flags of the named page; taking them is a change that the vCPU must see at once. */
static uint64_t take_flags(struct vcpu *vcpu, const struct device *device)
{
    struct ept *ept = device->demand->ept;
    uint8_t accessed, dirty;

    if (!ept_take_flags(ept, EPT_ACCESSED, device->page, PAGE_SIZE, &accessed) ||
        !ept_take_flags(ept, EPT_DIRTY, device->page, PAGE_SIZE, &dirty))
        return DEVICE_FLAG_NONE;
    ept_use(ept, &vcpu->ept_seen);
    return (accessed & 1 ? DEVICE_FLAG_ACCESSED : 0) | (dirty & 1 ? DEVICE_FLAG_DIRTY : 0);
}

static bool is_on_demand(uint64_t page)
{
    return !(page % PAGE_SIZE) && page - GUEST_DEMAND_BASE < GUEST_DEMAND_SIZE;
}

static enum mmio_result special(struct vcpu *vcpu, struct device *device, uint64_t physical,
                                bool write, uint64_t *value)
{
    struct ept *ept = device->demand->ept;

    if (physical == DEVICE_PAGE && write && is_on_demand(*value)) {
        device->page = *value;
        return MMIO_DONE;
    }
    if (!device->page)
        return MMIO_REFUSED;
    if (physical == DEVICE_FLAGS && !write) {
        *value = take_flags(vcpu, device);
        return MMIO_DONE;
    }
    if (physical == DEVICE_ACCESS && write && *value <= EPT_ALL &&
        ept_protect(ept, device->page, PAGE_SIZE, (enum ept_access) * value))
        return ept_use(ept, &vcpu->ept_seen) ? MMIO_DONE : MMIO_REFUSED;
    return MMIO_REFUSED;
}

enum mmio_result device_access(struct vcpu *vcpu, void *context, uint64_t offset, unsigned bytes,
                               bool write, uint64_t *value)
{
    struct device *device = context;

    if (offset >= DEVICE_REGISTERS)
        return bytes == 8 ? special(vcpu, device, GUEST_DEVICE_BASE + offset, write, value)
                          : MMIO_REFUSED;
    if (write)
        memcpy(&device->registers[offset], value, bytes);
    else
        memcpy(value, &device->registers[offset], bytes);
    return MMIO_DONE;
}

enum port_result device_port(struct vcpu *vcpu, void *context, uint16_t port, unsigned bytes,
                             bool write, uint32_t *value)
{
    struct device *device = context;
    uint8_t *at = &device->ports[port - GUEST_PORTS];

    (void)vcpu;
    if (write)
        memcpy(at, value, bytes);
    else
        memcpy(value, at, bytes);
    return PORT_DONE;
}
