/* SPDX-License-Identifier: MIT */
#include "apic_mmio.h"

#include "../vmx/vcpu.h"

enum mmio_result apic_mmio(struct vcpu *vcpu, void *context, uint64_t offset, unsigned bytes,
                           bool write, uint64_t *value)
{
    struct local_apic *apic = &vcpu->apic;

    (void)context;
    if (local_apic_is_hardware(apic))
        return MMIO_REFUSED;
    if (!write) {
        *value = local_apic_mmio_read(apic, (uint32_t)offset, bytes);
        return MMIO_DONE;
    }
    return local_apic_mmio_write(apic, (uint32_t)offset, bytes, *value) == LOCAL_APIC_EVENTS
               ? MMIO_EVENTS
               : MMIO_DONE;
}
