/* SPDX-License-Identifier: MIT */
/* The local APIC in xAPIC form, a register at a time, by its page. */
#include "delivery.h"
#include "xapic_exits.h"

#define PAGE "mov $" XAPIC_WINDOW_TEXT ", %%ebx"

ROW_CODE(xapic_tpr, PAGE, "movl $0, 0x80(%%rbx)")
ROW_CODE(xapic_eoi, PAGE, "movl $0, 0xb0(%%rbx)")
ROW_CODE(xapic_icr, PAGE, "movl $0x50, 0x300(%%rbx)")
ROW_CODE(xapic_id, PAGE, "mov 0x20(%%rbx), %%eax")
_Static_assert(DELIVERY_VECTOR == 0x50, "as above");

/* An IPI goes to an id that nobody has. */
static void address_nobody(void)
{
    delivery_open_xapic();
    *(volatile uint32_t *)(uint64_t)(XAPIC_WINDOW + 0x310) = 0x7fu << 24;
}

#define XAPIC(id, text, by, before)                                                  \
    .name = #id, CODE(id), FRAME(before, delivery_close_xapic), .description = text, \
    .instruction = by, .requires = ROW_REQUIRES_CORES_APIC

ROWS = {
    {
        XAPIC(xapic_tpr, "write of the xAPIC's TPR", "MOV [RBX + 0x80], 0", delivery_open_xapic),
        /* Without the TPR shadow the access exits for all that is virtualized. */
        .exits = {XAPIC_EMULATED(1),
                  {.reason = EXIT_REASON_APIC_ACCESS,
                   .times = 1,
                   .when_on = {VIRTUALIZED_ACCESSES},
                   .when_off = {PRIMARY_CONTROL_TPR_SHADOW}}},
    },
    {
        XAPIC(xapic_eoi, "end of interrupt of the xAPIC, with none in service",
              "MOV [RBX + 0xb0], 0", delivery_open_xapic),
        .exits = {XAPIC_EMULATED(1), XAPIC_DELIVERED(1)},
    },
    {
        XAPIC(xapic_icr, "IPI of the xAPIC to an id that nobody has", "MOV [RBX + 0x300], 0x50",
              address_nobody),
        .exits = {XAPIC_EMULATED(1), XAPIC_SENT(1)},
    },
    {
        XAPIC(xapic_id, "read of the xAPIC's id", "MOV EAX, [RBX + 0x20]", delivery_open_xapic),
        .exits = {XAPIC_EMULATED(1), XAPIC_STORED(1)},
    },
};
