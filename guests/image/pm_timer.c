/* SPDX-License-Identifier: MIT */
#include "pm_timer.h"

#include "../../core/x86/instructions.h"
#include "../blob.h"

/*
 * By PCI configuration space: function 3 of the PIIX4 (device 1 of bus 0) is the power management;
 * its timer lies 8 bytes behind the base that its register 0x40 holds, if 0x80 enables it.
 */
#define PCI_ADDRESS     0xcf8
#define PCI_DATA        0xcfc
#define PCI_PIIX4_POWER 0x80000b00u
#define PIIX4_POWER_ID  0x71138086u
#define PIIX4_BASE      0x40u
#define PIIX4_ENABLE    0x80u
#define PM_TIMER_OFFSET 8u

static uint32_t pci_read(uint32_t address)
{
    x86_out32(PCI_ADDRESS, address);
    return x86_in32(PCI_DATA);
}

bool pm_timer_is_there(void)
{
    return pci_read(PCI_PIIX4_POWER) == PIIX4_POWER_ID &&
           pci_read(PCI_PIIX4_POWER | PIIX4_ENABLE) & 1 &&
           (pci_read(PCI_PIIX4_POWER | PIIX4_BASE) & 0xffc0) + PM_TIMER_OFFSET == GUEST_PM_TIMER;
}
