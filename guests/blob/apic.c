/* SPDX-License-Identifier: MIT */
/*
 * The local APIC in x2APIC form, a register at a time. The IPI goes to nobody; one to oneself stays
 * pending, as interrupts are off, and each is the same bit of the IRR.
 */
#include "delivery.h"

#define X2APIC_TPR 0x808
#define NOBODY     "0x7ffffff0"

ROW_CODE(x2apic_tpr, "mov $0x808, %%ecx\n\txor %%eax, %%eax\n\txor %%edx, %%edx", "wrmsr")
ROW_CODE(x2apic_eoi, "mov $0x80b, %%ecx\n\txor %%eax, %%eax\n\txor %%edx, %%edx", "wrmsr")
ROW_CODE(x2apic_icr, "mov $0x830, %%ecx\n\tmov $0x50, %%eax\n\tmov $" NOBODY ", %%edx", "wrmsr")
ROW_CODE(x2apic_self_ipi, "mov $0x83f, %%ecx\n\tmov $0x50, %%eax\n\txor %%edx, %%edx", "wrmsr")
ROW_CODE(x2apic_lvt, "mov $0x832, %%ecx\n\tmov $0x10050, %%eax\n\txor %%edx, %%edx", "wrmsr")
ROW_CODE(x2apic_id, "mov $0x802, %%ecx", "rdmsr")
_Static_assert(DELIVERY_VECTOR == 0x50, "as above");

#define X2APIC(id, text, by, more, exit, ...)                                           \
    {                                                                                   \
        .name = #id, CODE(id), .description = text, .instruction = by, .exits = {exit}, \
        .requires = ROW_REQUIRES_X2APIC | (more), __VA_ARGS__                           \
    }

ROWS = {
    X2APIC(x2apic_tpr, "write of the x2APIC's TPR, MSR 0x808", "WRMSR", 0,
           IF_MSR_WRITTEN(X2APIC_TPR)),
    X2APIC(x2apic_eoi, "end of interrupt, MSR 0x80b, with none in service", "WRMSR", 0,
           IF_MSR_WRITTEN(X2APIC_EOI), FRAME(delivery_open, delivery_close)),
    X2APIC(x2apic_icr, "IPI to an id that nobody has, MSR 0x830", "WRMSR", 0,
           IF_MSR_WRITTEN(X2APIC_ICR), FRAME(delivery_open, delivery_close)),
    X2APIC(x2apic_self_ipi, "IPI to oneself, MSR 0x83f, held back by interrupts being off", "WRMSR",
           ROW_REQUIRES_DELIVERY, IF_MSR_WRITTEN(X2APIC_SELF_IPI),
           FRAME(delivery_begin, delivery_end)),
    X2APIC(x2apic_lvt, "write of the timer's masked LVT entry, MSR 0x832", "WRMSR", 0,
           IF_MSR_WRITTEN(X2APIC_LVT_TIMER), FRAME(delivery_open, delivery_close)),
    X2APIC(x2apic_id, "read of the x2APIC's id, MSR 0x802", "RDMSR", 0, IF_MSR_READ(X2APIC_ID)),
};
