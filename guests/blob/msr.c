/* SPDX-License-Identifier: MIT */
/*
 * RDMSR and WRMSR, by how the MSR is reached: in the low or the high range of the MSR bitmaps or
 * outside of both, held by the CPU or by a VMCS field.
 */
#include "exception.h"
#include "row.h"

#define IA32_SYSENTER_CS    0x174
#define IA32_EFER           0xc0000080
#define IA32_FS_BASE        0xc0000100
#define IA32_KERNEL_GS_BASE 0xc0000102

#define NUMBER(msr) "mov $" msr ", %%ecx"
#define ZERO        "\n\txor %%eax, %%eax\n\txor %%edx, %%edx"

/* Without an effect until a SWAPGS that never comes. */
ROW_CODE(rdmsr, NUMBER("0xc0000102"), "rdmsr")
ROW_CODE(wrmsr, NUMBER("0xc0000102") ZERO, "wrmsr")

/* Without one until a SYSENTER, likewise. */
ROW_CODE(rdmsr_low, NUMBER("0x174"), "rdmsr")
ROW_CODE(wrmsr_low, NUMBER("0x174") ZERO, "wrmsr")
ROW_CODE(rdmsr_fs_base, NUMBER("0xc0000100"), "rdmsr")
ROW_CODE(wrmsr_fs_base, NUMBER("0xc0000100") ZERO, "wrmsr")

/* LME and LMA, as it is. */
#define EFER_KEPT NUMBER("0xc0000080") "\n\tmov $0x500, %%eax\n\txor %%edx, %%edx"
ROW_CODE(rdmsr_efer, NUMBER("0xc0000080"), "rdmsr")
ROW_CODE(wrmsr_efer, EFER_KEPT, "wrmsr")

/*
 * 0x40000000 is of a range that no CPU has an MSR in (SDM Vol. 4 table 2-2): #GP, which goes on
 * behind (start.S). Bochs, where it is told to ignore what it does not know, has none.
 */
#define OUTSIDE "movq $2f, exception_resume\n\t" NUMBER("0x40000000") ZERO
ROW_FUNCTION(rdmsr_outside_control, OUTSIDE, "2:")
ROW_FUNCTION(rdmsr_outside_op, OUTSIDE, "rdmsr\n\t2:")
ROW_FUNCTION(wrmsr_outside_control, OUTSIDE, "2:")
ROW_FUNCTION(wrmsr_outside_op, OUTSIDE, "wrmsr\n\t2:")

/* After the control nothing has taken it back. */
static void expect_no_more(void)
{
    exception_resume = 0;
}

#define READ(id, msr, what)                                                            \
    {                                                                                  \
        .name = #id, CODE(id), .description = "read of " what, .instruction = "RDMSR", \
        .exits = {IF_MSR_READ(msr)},                                                   \
    }
#define WRITE(id, msr, what)                                                            \
    {                                                                                   \
        .name = #id, CODE(id), .description = "write of " what, .instruction = "WRMSR", \
        .exits = {IF_MSR_WRITTEN(msr)},                                                 \
    }
#define REFUSED(id, what, text)                                                                    \
    {                                                                                              \
        .name = #id, CODE_ONCE(id), .teardown = expect_no_more,                                    \
        .description = text " of an MSR outside of both bitmaps' ranges, by #GP where it is none", \
        .instruction = #what, .exits = {ALWAYS(what)},                                             \
    }

ROWS = {
    READ(rdmsr, IA32_KERNEL_GS_BASE, "IA32_KERNEL_GS_BASE"),
    WRITE(wrmsr, IA32_KERNEL_GS_BASE, "IA32_KERNEL_GS_BASE"),
    READ(rdmsr_low, IA32_SYSENTER_CS, "IA32_SYSENTER_CS: low range, held by a VMCS field"),
    WRITE(wrmsr_low, IA32_SYSENTER_CS, "IA32_SYSENTER_CS: low range, held by a VMCS field"),
    READ(rdmsr_fs_base, IA32_FS_BASE, "IA32_FS_BASE: high range, held by a VMCS field"),
    WRITE(wrmsr_fs_base, IA32_FS_BASE, "IA32_FS_BASE: high range, held by a VMCS field"),
    READ(rdmsr_efer, IA32_EFER, "IA32_EFER"),
    WRITE(wrmsr_efer, IA32_EFER, "IA32_EFER, as it is"),
    REFUSED(rdmsr_outside, RDMSR, "read"),
    REFUSED(wrmsr_outside, WRMSR, "write"),
};
