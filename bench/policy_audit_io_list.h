/* SPDX-License-Identifier: MIT */
/* As policy_audit_list.h: I/O ports, exceptions, and what instructions do while a control is off.
 */
AUDIT_IO(0x00, 0x0f, CRITICAL, "programs ISA DMA, which writes to memory below 16 MiB past the EPT",
         "Intel 8237A data sheet")
AUDIT_IO(0x20, 0x21, HIGH, "masks and ends the host's interrupts at the PIC",
         "Intel 8259A data sheet")
AUDIT_IO(0x2e, 0x2f, HIGH,
         "configures the board's Super I/O: fans, power, serial lines, flash on some",
         "its data sheet")
AUDIT_IO(0x40, 0x43, HIGH, "sets the host's PIT: its ticks stop, or come when the guest says",
         "Intel 8254 data sheet")
AUDIT_IO(0x4e, 0x4f, HIGH,
         "configures the board's Super I/O: fans, power, serial lines, flash on some",
         "its data sheet")
AUDIT_IO(0x60, 0x60, HIGH, "reads keys that the user types, and sends commands to the keyboard",
         "Intel 8042 data sheet")
AUDIT_IO(0x61, 0x61, HIGH, "turns the sources of NMIs off", "Intel ICH data sheets, NMI_SC")
AUDIT_IO(0x62, 0x62, HIGH, "commands the embedded controller: battery, fans, power", "ACPI 12")
AUDIT_IO(0x64, 0x64, CRITICAL, "resets the machine by the keyboard controller, and gates A20",
         "Intel 8042 data sheet")
AUDIT_IO(0x66, 0x66, HIGH, "commands the embedded controller: battery, fans, power", "ACPI 12")
AUDIT_IO(0x70, 0x71, HIGH,
         "masks NMIs of the host, sets its clock, and changes firmware's settings",
         "Motorola MC146818 data sheet; Intel ICH data sheets, NMI_EN")
AUDIT_IO(0x72, 0x73, HIGH, "changes firmware's settings", "Intel ICH data sheets")
AUDIT_IO(0x80, 0x80, LOW, "shows a POST code, and delays by a bus cycle", "Intel ICH data sheets")
AUDIT_IO(0x81, 0x8f, CRITICAL, "sets which memory ISA DMA writes to, past the EPT",
         "Intel 8237A data sheet")
AUDIT_IO(0x92, 0x92, CRITICAL, "resets the CPU by INIT, and gates A20",
         "Intel ICH data sheets, PORT92")
AUDIT_IO(0xa0, 0xa1, HIGH, "masks and ends the host's interrupts at the second PIC",
         "Intel 8259A data sheet")
AUDIT_IO(0xb2, 0xb3, CRITICAL,
         "raises SMIs with parameters of its choice: every CPU stops, and firmware's handlers run "
         "on them",
         "SDM 3C, system-management interrupt; Bulygin and others, A new class of vulnerabilities "
         "in SMI handlers, 2015")
AUDIT_IO(0xc0, 0xdf, CRITICAL, "programs ISA DMA, which writes to memory below 16 MiB past the EPT",
         "Intel 8237A data sheet")
AUDIT_IO(0xe9, 0xe9, LOW, "writes to the console of the emulator", "Bochs manual, port_e9_hack")
AUDIT_IO(0xf0, 0xf1, LOW, "clears the error line of the FPU", "SDM 1 8.7")
AUDIT_IO(0x170, 0x177, CRITICAL,
         "reads and writes the host's disks, by their DMA all of its memory", "ATA/ATAPI-6")
AUDIT_IO(0x1ce, 0x1d0, MEDIUM, "changes the mode of the host's display", "Bochs VBE display API")
AUDIT_IO(0x1f0, 0x1f7, CRITICAL,
         "reads and writes the host's disks, by their DMA all of its memory", "ATA/ATAPI-6")
AUDIT_IO(0x201, 0x201, LOW, "reads the joystick", "PC/AT technical reference")
AUDIT_IO(0x278, 0x27a, MEDIUM, "prints, or drives what is at the host's parallel port", "IEEE 1284")
AUDIT_IO(0x2e8, 0x2ef, MEDIUM,
         "reads and writes the host's serial line: its console, if that is there",
         "16550 data sheet")
AUDIT_IO(0x2f8, 0x2ff, MEDIUM,
         "reads and writes the host's serial line: its console, if that is there",
         "16550 data sheet")
AUDIT_IO(0x376, 0x376, CRITICAL, "resets the host's disks", "ATA/ATAPI-6")
AUDIT_IO(0x378, 0x37a, MEDIUM, "prints, or drives what is at the host's parallel port", "IEEE 1284")
AUDIT_IO(0x3b0, 0x3df, MEDIUM, "draws on the host's display, and stops it",
         "IBM VGA technical reference")
AUDIT_IO(0x3e8, 0x3ef, MEDIUM,
         "reads and writes the host's serial line: its console, if that is there",
         "16550 data sheet")
AUDIT_IO(0x3f0, 0x3f5, HIGH, "drives the host's floppy, by its DMA memory below 16 MiB",
         "Intel 82077AA data sheet")
AUDIT_IO(0x3f6, 0x3f6, CRITICAL, "resets the host's disks", "ATA/ATAPI-6")
AUDIT_IO(0x3f7, 0x3f7, MEDIUM, "sets the rate of the host's floppy", "Intel 82077AA data sheet")
AUDIT_IO(0x3f8, 0x3ff, MEDIUM,
         "reads and writes the host's serial line: its console, if that is there",
         "16550 data sheet")
AUDIT_IO(0x400, 0x47f, CRITICAL,
         "where an older chipset has its ACPI registers: powers the machine off, sleeps it, turns "
         "SMIs on and off",
         "ACPI 4.8.3")
AUDIT_IO(0x4d0, 0x4d1, HIGH,
         "changes which interrupt lines are levels: the host's are lost, or never end",
         "Intel ICH data sheets, ELCR")
AUDIT_IO(0x505, 0x505, LOW, "tells QEMU that the system has crashed", "QEMU, pvpanic")
AUDIT_IO(0x510, 0x51b, CRITICAL,
         "reads the host's configuration from QEMU, and has it write to memory past the EPT",
         "QEMU, fw_cfg DMA")
AUDIT_IO(0x600, 0x67f, CRITICAL, "where QEMU has its ACPI registers: 0x604 powers the machine off",
         "ACPI 4.8.3; QEMU, ICH9 PMBASE")
AUDIT_IO(0x700, 0x73f, HIGH, "talks to whatever is on the SMBus: memory modules, clocks, voltages",
         "SMBus 3; QEMU, ICH9 SMBus")
AUDIT_IO(0xa79, 0xa79, MEDIUM, "moves ISA devices to other ports", "Plug and Play ISA 1.0a")
AUDIT_IO(0x279, 0x279, MEDIUM, "moves ISA devices to other ports", "Plug and Play ISA 1.0a")
AUDIT_IO(
    0xcf8, 0xcf8, CRITICAL,
    "configures every PCI device: where it is, and what memory its DMA and its interrupts reach",
    "PCI 3.0 3.2.2.3; Wojtczuk and Rutkowska, Following the White Rabbit, 2011")
AUDIT_IO(0xcf9, 0xcf9, CRITICAL, "resets the machine, or turns its power off and on",
         "Intel ICH data sheets, RST_CNT")
AUDIT_IO(
    0xcfa, 0xcff, CRITICAL,
    "configures every PCI device: where it is, and what memory its DMA and its interrupts reach",
    "PCI 3.0 3.2.2.3; Wojtczuk and Rutkowska, Following the White Rabbit, 2011")
AUDIT_IO(0x1800, 0x187f, CRITICAL,
         "where a newer chipset has its ACPI registers: powers the machine off, sleeps it, turns "
         "SMIs on and off",
         "ACPI 4.8.3; Intel PCH data sheets, PMBASE")
AUDIT_IO(0x8900, 0x8900, CRITICAL, "turns Bochs's machine off", "Bochs manual")
AUDIT_IO(
    0xb000, 0xb03f, CRITICAL,
    "where a PIIX4, Bochs's among them, has its ACPI registers: powers the machine off, sleeps it",
    "ACPI 4.8.3; Intel 82371AB data sheet")
AUDIT_IO(0xb100, 0xb10f, HIGH,
         "talks to whatever is on the SMBus: memory modules, clocks, voltages",
         "Intel 82371AB data sheet")

AUDIT_CONTROL("external-interrupt-exiting", HIGH,
              "takes the host's interrupts by its own IDT, or keeps them waiting by CLI",
              "SDM 3C 25.6.1")
AUDIT_CONTROL("hlt-exiting", MEDIUM, "halts the CPU: with no interrupt that exits, for good",
              "SDM 3C 26.1.3")
AUDIT_CONTROL("wbinvd-exiting", MEDIUM,
              "empties every cache of the package by WBINVD: neighbours run slower",
              "SDM 3C 26.1.3; SDM 2D WBINVD")
AUDIT_CONTROL("rdpmc-exiting", MEDIUM, "reads the host's performance counters by RDPMC",
              "SDM 3C 26.1.3; SDM 3B 20.2")
AUDIT_CONTROL("mwait-exiting", MEDIUM, "puts the core into a sleep of its choice by MWAIT",
              "SDM 3C 26.1.3; SDM 2B MWAIT")
AUDIT_CONTROL("rdtsc-exiting", INFO,
              "reads the host's clock, by which it can time what it shares with others",
              "SDM 3C 26.1.3")
AUDIT_CONTROL("rdrand-exiting", LOW, "draws random numbers that all cores share",
              "SDM 3C 26.1.3; CVE-2020-0543")
AUDIT_CONTROL("rdseed-exiting", LOW,
              "draws random seeds that all cores share, until there are none",
              "SDM 3C 26.1.3; Evtyushkin and Ponomarev, 2016")

AUDIT_EXCEPTION(17, HIGH, "has the CPU deliver #AC in #AC for ever, with no VM exit",
                "CVE-2015-5307")
AUDIT_EXCEPTION(1, HIGH, "has the CPU deliver #DB in #DB for ever, with no VM exit",
                "CVE-2015-8104")
