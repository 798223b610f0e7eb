/* SPDX-License-Identifier: MIT */
/* Writes to a device's memory, as kvm-unit-tests' x86/vmexit has them with QEMU's pci-testdev. */
#include "row.h"

#define REGISTER "mov $0x8000010, %%edi\n\txor %%eax, %%eax"
_Static_assert(0x8000010 == GUEST_DEVICE_BASE + 0x10, "a register of the device");

ROW_CODE(pci_mem_1, REGISTER, "mov %%al, (%%rdi)")
ROW_CODE(pci_mem_2, REGISTER, "mov %%ax, (%%rdi)")
ROW_CODE(pci_mem_4, REGISTER, "mov %%eax, (%%rdi)")

#define PCI_MEMORY(id, mnemonic, bytes, text)                                                 \
    {                                                                                         \
        .name = "pci-mem/" #bytes, CODE(id), .instruction = mnemonic,                         \
        .description = "write of " text " to a device of the image's, which stands in for a " \
                       "PCI device's memory",                                                 \
        .exits = {ALWAYS(EPT_VIOLATION)},                                                     \
    }

ROWS = {
    PCI_MEMORY(pci_mem_1, "MOV [RDI], AL", 1, "a byte"),
    PCI_MEMORY(pci_mem_2, "MOV [RDI], AX", 2, "2 bytes"),
    PCI_MEMORY(pci_mem_4, "MOV [RDI], EAX", 4, "4 bytes"),
};
