/* SPDX-License-Identifier: MIT */
/*
 * I/O ports: ranges that a handler answers for instead of the hardware, and what becomes of those
 * that nobody has claimed. Only of accesses that exit: those that the I/O bitmaps let pass reach
 * the hardware, whatever stands here.
 */
#ifndef EXITMETER_CORE_VMX_PORTS_H
#define EXITMETER_CORE_VMX_PORTS_H

#include <stdbool.h>
#include <stdint.h>

#define PORTS_RANGES_MAX 16u

struct vcpu;

/* In the order of what becomes of an access that several handlers share: the highest counts. */
enum port_result {
    PORT_DONE = 0,
    PORT_EVENTS,  /* done, and what can be delivered to this vCPU may have changed */
    PORT_REFUSED, /* no guest may do that: it is stopped on the instruction */
};

/*
 * An access by this vCPU of 1, 2 or 4 bytes from port on, all of which lie inside the range;
 * aligned or not. *value is zero-extended: given on a write, to be set on a read, of which only the
 * low bytes are taken; all ones before. The guest's registers and what its EPT maps stay as they
 * are: an INS may be on its way there. Runs on the exit path, for several vCPUs at once if the
 * table is several vCPUs'.
 */
typedef enum port_result port_handler(struct vcpu *vcpu, void *context, uint16_t port,
                                      unsigned bytes, bool write, uint32_t *value);

struct port_range {
    uint16_t first, last;
    port_handler *handler;
    void *context;
};

/* All 0 forwards everything. A vCPU has one (vcpu->ports), its own or shared, or none. */
struct ports {
    struct port_range ranges[PORTS_RANGES_MAX];
    unsigned count;
    /*
     * A bit a port, 64 Ki of them: of those that no range has, IN reads ones and OUT goes nowhere
     * where it is set; the others are the hardware's, and all are if this is NULL.
     */
    const uint8_t *ones;
};

/*
 * Adds a range, its last port included, overlapping none that is there. False if it is not so, it
 * runs backwards, or the table is full. No vCPU with the table may run.
 */
bool ports_add(struct ports *ports, uint16_t first, uint16_t last, port_handler *handler,
               void *context);

/*
 * An IN or OUT of 1, 2 or 4 bytes by a vCPU that has a table. *value as for a handler; a read sets
 * it zero-extended.
 *
 * What lies in one range whole is one access, and so is what touches no range. Any other is
 * done byte by byte from the lowest, each by whoever has the port, as a chipset would cut it; a
 * refusal ends it, and what came before is done. Behind 0xffff comes 0.
 */
enum port_result ports_access(struct vcpu *vcpu, uint16_t port, unsigned bytes, bool write,
                              uint32_t *value);

/* The hardware's: bytes is 1, 2 or 4, *value as above. */
void ports_forward(uint16_t port, unsigned bytes, bool write, uint32_t *value);

#endif
