/* SPDX-License-Identifier: MIT */
/* The device at GUEST_DEVICE_BASE, as guests/blob.h describes its registers. */
#ifndef EXITMETER_GUESTS_IMAGE_DEVICE_H
#define EXITMETER_GUESTS_IMAGE_DEVICE_H

#include "../../core/vmx/demand.h"
#include "../../core/vmx/mmio.h"
#include "../../core/vmx/ports.h"
#include "../blob.h"

#define DEVICE_REGISTERS 4096u

struct device {
    struct demand *demand; /* of the guest that has it */
    uint64_t page;         /* DEVICE_PAGE */
    uint8_t registers[DEVICE_REGISTERS];
    uint8_t ports[GUEST_PORTS_SIZE];
};

/* Registers and ports 0, no page named. */
void device_reset(struct device *device);

/* The context is a struct device. */
mmio_handler device_access;
port_handler device_port;

#endif
