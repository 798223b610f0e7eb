/* SPDX-License-Identifier: MIT */
/* What intercepted accesses come to that a policy has emulated, refused or forwarded, seen by a
 * guest: ci/tests/test_policies.py has the policy. */
#include "../blob/check.h"

#include "../../core/x86/msr.h"

#define PORT_KEYBOARD_STATUS 0x64u
#define PORT_SYSTEM_CONTROL  0x61u

static uint8_t in8(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static uint16_t in16(uint16_t port)
{
    uint16_t value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static void answers(struct sample *samples, uint64_t count)
{
    uint64_t value;
    (void)samples;
    (void)count;
    EXPECT(try_wrmsr(IA32_KERNEL_GS_BASE, 0x1234000)); /* emulated */
    EXPECT(try_rdmsr(IA32_KERNEL_GS_BASE, &value) && value == 0);
    EXPECT(try_wrmsr(IA32_LSTAR, 0x1234000)); /* forwarded */
    EXPECT(try_rdmsr(IA32_LSTAR, &value) && value == 0x1234000);
    EXPECT_EXCEPTION(VECTOR_GP, try_rdmsr(IA32_FMASK, &value)); /* refused */
    EXPECT_EXCEPTION(VECTOR_GP, try_wrmsr(IA32_FMASK, 0));
    EXPECT(try_rdmsr(IA32_EFER, &value) && value & EFER_LMA); /* the core keeps it */
    EXPECT(in8(PORT_SYSTEM_CONTROL) == 0xff);                 /* emulated */
    EXPECT(in8(PORT_KEYBOARD_STATUS) != 0xff);                /* forwarded */
    EXPECT(in16(PORT_SYSTEM_CONTROL - 1) >> 8 == 0xff);       /* and one byte of two */
}

ROWS = {{
    .name = "check/answers",
    CHECK(answers),
    .description = "what exits comes to what the policy says: nothing, #GP, or the hardware",
    .instruction = "RDMSR, WRMSR, IN",
}};
