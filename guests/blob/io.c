/* SPDX-License-Identifier: MIT */
/*
 * IN and OUT by width, by bitmap, and by who answers: port 0x80, which answers everywhere and does
 * nothing; ports that no usual machine has anything at; what the core forwards to the chipset, and
 * what a handler of the image answers.
 */
#include "row.h"

#define PORT      0x80
#define FREE      GUEST_PORTS /* without ROW_PORTS: nobody's */
#define FREE_IN_B 0xfff0      /* in the second bitmap */
#define ELCR      0x4d0       /* of the interrupt controllers: edge or level, by line */
#define DEVICE    (GUEST_PORTS + 8)

/* The constants as the assembler reads them. */
#define AT_FREE      "mov $0x300, %%edx"
#define AT_FREE_IN_B "mov $0xfff0, %%edx"
#define AT_ELCR      "mov $0x4d0, %%edx"
#define AT_PM_TIMER  "mov $0xb008, %%edx"
#define AT_DEVICE    "mov $0x308, %%edx"
_Static_assert(FREE == 0x300 && DEVICE == 0x308 && GUEST_PM_TIMER == 0xb008, "as above");

#define ZERO "\n\txor %%eax, %%eax"

static __attribute__((used)) uint8_t elcr;

static void keep_elcr(void)
{
    __asm__ volatile("inb %w1, %0" : "=a"(elcr) : "d"(ELCR));
}

ROW_CODE(in, "", "in $0x80, %%al")
ROW_CODE(out, "xor %%eax, %%eax", "out %%al, $0x80")
ROW_CODE(in_2, AT_FREE, "in %%dx, %%ax")
ROW_CODE(in_4, AT_FREE, "in %%dx, %%eax")
ROW_CODE(out_2, AT_FREE ZERO, "out %%ax, %%dx")
ROW_CODE(out_4, AT_FREE ZERO, "out %%eax, %%dx")
ROW_CODE(in_bitmap_b, AT_FREE_IN_B, "in %%dx, %%al")
ROW_CODE(out_bitmap_b, AT_FREE_IN_B ZERO, "out %%al, %%dx")
ROW_CODE(inl_from_pmtimer, AT_PM_TIMER, "in %%dx, %%eax")
ROW_CODE(inl_from_qemu, AT_FREE, "in %%dx, %%eax")
ROW_CODE(inl_from_kernel, AT_ELCR, "in %%dx, %%al")
ROW_CODE(outl_to_kernel, AT_ELCR "\n\tmov elcr, %%al", "out %%al, %%dx")
ROW_CODE(pci_io_1, AT_DEVICE ZERO, "out %%al, %%dx")
ROW_CODE(pci_io_2, AT_DEVICE ZERO, "out %%ax, %%dx")
ROW_CODE(pci_io_4, AT_DEVICE ZERO, "out %%eax, %%dx")

#define ACCESS(called, id, mnemonic, port, bytes, text)                         \
    {                                                                           \
        .name = called, CODE(id), .description = text, .instruction = mnemonic, \
        .exits = {IF_PORT(port, bytes)},                                        \
    }
#define PCI_IO(id, mnemonic, bytes, text)                                                  \
    {                                                                                      \
        .name = "pci-io/" #bytes, CODE(id), .instruction = mnemonic,                       \
        .description = "write of " text " to a port that stands in for a PCI device's: a " \
                       "handler of the image has it",                                      \
        .exits = {IF_PORT(DEVICE, bytes)}, .flags = ROW_PORTS,                             \
    }

ROWS = {
    ACCESS("in", in, "IN AL, 0x80", PORT, 1, "read of a byte from port 0x80"),
    ACCESS("out", out, "OUT 0x80, AL", PORT, 1, "write of a byte to port 0x80"),
    ACCESS("in/2", in_2, "IN AX, DX", FREE, 2, "read of 2 bytes from a port of nobody's"),
    ACCESS("in/4", in_4, "IN EAX, DX", FREE, 4, "read of 4 bytes from a port of nobody's"),
    ACCESS("out/2", out_2, "OUT DX, AX", FREE, 2, "write of 2 bytes to a port of nobody's"),
    ACCESS("out/4", out_4, "OUT DX, EAX", FREE, 4, "write of 4 bytes to a port of nobody's"),
    ACCESS("in_bitmap_b", in_bitmap_b, "IN AL, DX", FREE_IN_B, 1,
           "read of a byte from a port of I/O bitmap B, nobody's"),
    ACCESS("out_bitmap_b", out_bitmap_b, "OUT DX, AL", FREE_IN_B, 1,
           "write of a byte to a port of I/O bitmap B, nobody's"),
    {
        .name = "inl_from_pmtimer",
        CODE(inl_from_pmtimer),
        .description = "read of the ACPI power-management timer, which the core forwards to",
        .instruction = "IN EAX, DX",
        .exits = {IF_PORT(GUEST_PM_TIMER, 4)},
        .requires = ROW_REQUIRES_PM_TIMER,
    },
    {
        .name = "inl_from_qemu",
        CODE(inl_from_qemu),
        .description = "read of 4 bytes from a port that a handler of the image, outside of the "
                       "core, answers",
        .instruction = "IN EAX, DX",
        .exits = {IF_PORT(FREE, 4)},
        .flags = ROW_PORTS,
    },
    ACCESS("inl_from_kernel", inl_from_kernel, "IN AL, DX", ELCR, 1,
           "read of the interrupt controllers' ELCR, port 0x4d0, by the core itself"),
    {
        .name = "outl_to_kernel",
        CODE(outl_to_kernel),
        .setup = keep_elcr,
        .description = "write of the interrupt controllers' ELCR, as it is, by the core itself",
        .instruction = "OUT DX, AL",
        .exits = {IF_PORT(ELCR, 1)},
    },
    PCI_IO(pci_io_1, "OUT DX, AL", 1, "a byte"),
    PCI_IO(pci_io_2, "OUT DX, AX", 2, "2 bytes"),
    PCI_IO(pci_io_4, "OUT DX, EAX", 4, "4 bytes"),
};
