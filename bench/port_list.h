/* SPDX-License-Identifier: MIT */
/*
 * I/O ports by what a PC has there. A name that stands here more than once stands for all its
 * ranges; of several names of one range the first is shown. No include guard: define
 * PORTS(first, last, name) and include this file.
 */
PORTS(0x00, 0x0f, "dma") /* the two 8237s, and the page registers but for port 0x80 */
PORTS(0x81, 0x8f, "dma")
PORTS(0xc0, 0xdf, "dma")
PORTS(0x20, 0x21, "pic") /* the two 8259As; their edge/level registers are elcr */
PORTS(0xa0, 0xa1, "pic")
PORTS(0x4d0, 0x4d1, "elcr")
PORTS(0x2e, 0x2f, "super-io") /* at one of these, as the board has it */
PORTS(0x4e, 0x4f, "super-io")
PORTS(0x40, 0x43, "pit")
PORTS(0x60, 0x60, "keyboard")
PORTS(0x64, 0x64, "keyboard")
PORTS(0x61, 0x61, "system-control-b") /* gate of PIT channel 2, speaker, NMI sources */
PORTS(0x62, 0x62, "embedded-controller")
PORTS(0x66, 0x66, "embedded-controller")
PORTS(0x70, 0x71, "cmos") /* the clock and its RAM; bit 7 of 0x70 masks NMIs */
PORTS(0x72, 0x73, "cmos-upper")
PORTS(0x80, 0x80, "post")
PORTS(0x92, 0x92, "system-control-a") /* A20, and a reset by INIT */
PORTS(0xb2, 0xb3, "smi")              /* a write of 0xb2 raises an SMI on most chipsets */
PORTS(0xe9, 0xe9, "bochs-console")
PORTS(0xf0, 0xf1, "fpu")
PORTS(0x1f0, 0x1f7, "ide")
PORTS(0x3f6, 0x3f6, "ide")
PORTS(0x170, 0x177, "ide2")
PORTS(0x376, 0x376, "ide2")
PORTS(0x1ce, 0x1d0, "vbe") /* Bochs's and QEMU's display */
PORTS(0x201, 0x201, "game")
PORTS(0x279, 0x279, "isa-pnp")
PORTS(0xa79, 0xa79, "isa-pnp")
PORTS(0x3f8, 0x3ff, "com1")
PORTS(0x2f8, 0x2ff, "com2")
PORTS(0x3e8, 0x3ef, "com3")
PORTS(0x2e8, 0x2ef, "com4")
PORTS(0x378, 0x37a, "parallel")
PORTS(0x378, 0x37a, "lpt1")
PORTS(0x278, 0x27a, "lpt2")
PORTS(0x3b0, 0x3df, "vga")
PORTS(0x3f0, 0x3f5, "floppy")
PORTS(0x3f7, 0x3f7, "floppy")
PORTS(0x402, 0x402, "firmware-console") /* QEMU's isa-debugcon, where SeaBIOS and OVMF use it */
PORTS(0x505, 0x505, "pvpanic")
PORTS(0x510, 0x51b, "fw-cfg")         /* QEMU's: selector, data, DMA address */
PORTS(0x604, 0x604, "qemu-power-off") /* PM1a control of acpi-pm at 0x600 */
PORTS(0xcf8, 0xcff, "pci-config")     /* address and data; reset lies within */
PORTS(0xcf9, 0xcf9, "reset")
/*
 * The chipset decides where its ACPI registers are, and the FADT says it. These are the usual
 * places: older PCs with ICH chipsets, QEMU, PCs with PCH chipsets, Bochs and other PIIX4s.
 */
PORTS(0x400, 0x47f, "acpi-pm")
PORTS(0x600, 0x67f, "acpi-pm")
PORTS(0x1800, 0x187f, "acpi-pm")
PORTS(0xb000, 0xb03f, "acpi-pm")
PORTS(0x700, 0x73f, "smbus") /* QEMU's Q35, and PIIX4s as QEMU and Bochs have them */
PORTS(0xb100, 0xb10f, "smbus")
PORTS(0x8900, 0x8900, "bochs-power-off")
