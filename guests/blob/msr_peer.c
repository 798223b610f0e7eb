/* SPDX-License-Identifier: MIT */
/*
 * The MSRs that operating systems write most, by the names that kvm-unit-tests' x86/vmexit gives
 * them. What is written is what is there already, or means nothing to the guest.
 */
#include "row.h"

#define IA32_TSC_ADJUST     0x3b
#define IA32_SPEC_CTRL      0x48
#define IA32_PRED_CMD       0x49
#define IA32_TSX_CTRL       0x122
#define IA32_KERNEL_GS_BASE 0xc0000102

#define NUMBER(msr)  "mov $" msr ", %%ecx\n\t"
#define VALUE(of)    "mov " of ", %%eax\n\tmov 4+" of ", %%edx"
#define SMALL(value) "mov $" value ", %%eax\n\txor %%edx, %%edx"

/* To write another would move the TSC, and the host's with it. */
static __attribute__((used)) uint64_t tsc_adjust, tsx_ctrl, spec_ctrl;

static uint64_t read_msr(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

static void keep_tsc_adjust(void)
{
    tsc_adjust = read_msr(IA32_TSC_ADJUST);
}

static void keep_tsx_ctrl(void)
{
    tsx_ctrl = read_msr(IA32_TSX_CTRL);
}

static void keep_spec_ctrl(void)
{
    spec_ctrl = read_msr(IA32_SPEC_CTRL);
}

static void restore_spec_ctrl(void)
{
    __asm__ volatile("wrmsr"
                     :
                     : "c"(IA32_SPEC_CTRL), "a"((uint32_t)spec_ctrl),
                       "d"((uint32_t)(spec_ctrl >> 32)));
}

ROW_CODE(wr_kernel_gs_base, NUMBER("0xc0000102") SMALL("0"), "wrmsr")
ROW_CODE(rd_tsc_adjust_msr, NUMBER("0x3b"), "rdmsr")
ROW_CODE(wr_tsc_adjust_msr, NUMBER("0x3b") VALUE("tsc_adjust"), "wrmsr")
ROW_CODE(wr_tsx_ctrl_msr, NUMBER("0x122") VALUE("tsx_ctrl"), "wrmsr")
ROW_CODE(wr_ibrs_msr, NUMBER("0x48") SMALL("1"), "wrmsr\n\txor %%eax, %%eax\n\twrmsr")
ROW_CODE(wr_ibpb_msr, NUMBER("0x49") SMALL("1"), "wrmsr")

ROWS = {
    {
        .name = "wr_kernel_gs_base",
        CODE(wr_kernel_gs_base),
        .description = "write of IA32_KERNEL_GS_BASE: what wrmsr is, by the peer's name",
        .instruction = "WRMSR",
        .exits = {IF_MSR_WRITTEN(IA32_KERNEL_GS_BASE)},
    },
    {
        .name = "wr_tsx_ctrl_msr",
        CODE(wr_tsx_ctrl_msr),
        .setup = keep_tsx_ctrl,
        .description = "write of IA32_TSX_CTRL, as it is",
        .instruction = "WRMSR",
        .exits = {IF_MSR_WRITTEN(IA32_TSX_CTRL)},
        .requires = ROW_REQUIRES_TSX_CTRL,
    },
    {
        .name = "wr_ibrs_msr",
        CODE(wr_ibrs_msr),
        .setup = keep_spec_ctrl,
        .teardown = restore_spec_ctrl,
        .description = "IA32_SPEC_CTRL.IBRS set and cleared: two writes",
        .instruction = "WRMSR, WRMSR",
        .exits = {TWICE(IF_MSR_WRITTEN(IA32_SPEC_CTRL))},
        .requires = ROW_REQUIRES_SPEC_CTRL,
    },
    {
        .name = "wr_ibpb_msr",
        CODE(wr_ibpb_msr),
        .description = "indirect branch prediction barrier by IA32_PRED_CMD",
        .instruction = "WRMSR",
        .exits = {IF_MSR_WRITTEN(IA32_PRED_CMD)},
        .requires = ROW_REQUIRES_SPEC_CTRL,
    },
    {
        .name = "rd_tsc_adjust_msr",
        CODE(rd_tsc_adjust_msr),
        .description = "read of IA32_TSC_ADJUST",
        .instruction = "RDMSR",
        .exits = {IF_MSR_READ(IA32_TSC_ADJUST)},
        .requires = ROW_REQUIRES_TSC_ADJUST,
    },
    {
        .name = "wr_tsc_adjust_msr",
        CODE(wr_tsc_adjust_msr),
        .setup = keep_tsc_adjust,
        .description = "write of IA32_TSC_ADJUST, as it is, so that the TSC does not move",
        .instruction = "WRMSR",
        .exits = {IF_MSR_WRITTEN(IA32_TSC_ADJUST)},
        .requires = ROW_REQUIRES_TSC_ADJUST,
    },
};
