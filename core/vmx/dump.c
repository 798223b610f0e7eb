/* SPDX-License-Identifier: MIT */
#include "dump.h"

#include "exit_reason.h"

typedef unsigned long long ull;

static ull field(enum vmcs_field encoding)
{
    uint64_t value;
    return x86_vmread_checked(encoding, &value) == VMX_SUCCEED ? value : 0;
}

static void dump_cause(const struct vcpu *vcpu)
{
    const struct vcpu_stop *stop = &vcpu->stop;

    platform_log("guest stopped: %s", stop_cause_name(stop->cause));
    if (stop->text)
        platform_log(": %s", stop->text);
    platform_log(" (value 0x%llx)\n", (ull)stop->value);
    platform_log("  exit reason %u (%s)%s, raw 0x%x\n", stop->exit_reason & 0xffff,
                 exit_reason_name(stop->exit_reason),
                 stop->exit_reason & EXIT_REASON_ENTRY_FAILURE ? ", VM-entry failure" : "",
                 stop->exit_reason);
    platform_log("  qualification 0x%llx  instruction length %llu  instruction info 0x%llx\n",
                 field(VMCS_EXIT_QUALIFICATION), field(VMCS_EXIT_INSTRUCTION_LENGTH),
                 field(VMCS_EXIT_INSTRUCTION_INFO));
    platform_log(
        "  interruption info 0x%llx error 0x%llx  IDT-vectoring info 0x%llx error 0x%llx\n",
        field(VMCS_EXIT_INTERRUPTION_INFO), field(VMCS_EXIT_INTERRUPTION_ERROR_CODE),
        field(VMCS_IDT_VECTORING_INFO), field(VMCS_IDT_VECTORING_ERROR_CODE));
    platform_log("  guest-physical 0x%llx  guest-linear 0x%llx  VM-instruction error %llu\n",
                 field(VMCS_GUEST_PHYSICAL_ADDRESS), field(VMCS_GUEST_LINEAR_ADDRESS),
                 field(VMCS_INSTRUCTION_ERROR));
}

static void dump_registers(const struct vcpu *vcpu)
{
    const struct {
        const char *name;
        uint64_t value;
    } registers[] = {
        {"rax", vcpu->rax}, {"rbx", vcpu->rbx}, {"rcx", vcpu->rcx}, {"rdx", vcpu->rdx},
        {"rsi", vcpu->rsi}, {"rdi", vcpu->rdi}, {"rbp", vcpu->rbp}, {"rsp", field(VMCS_GUEST_RSP)},
        {"r8 ", vcpu->r8},  {"r9 ", vcpu->r9},  {"r10", vcpu->r10}, {"r11", vcpu->r11},
        {"r12", vcpu->r12}, {"r13", vcpu->r13}, {"r14", vcpu->r14}, {"r15", vcpu->r15},
    };

    platform_log("  rip %016llx  rflags %08llx  interruptibility 0x%llx  activity %llu\n",
                 field(VMCS_GUEST_RIP), field(VMCS_GUEST_RFLAGS),
                 field(VMCS_GUEST_INTERRUPTIBILITY), field(VMCS_GUEST_ACTIVITY));
    for (unsigned i = 0; i < sizeof(registers) / sizeof(registers[0]); i++)
        platform_log("%s%s %016llx%s", i % 4 ? "" : " ", registers[i].name, (ull)registers[i].value,
                     i % 4 == 3 ? "\n" : " ");
    platform_log("  cr0 %08llx  cr3 %016llx  cr4 %08llx  efer %llx  dr7 %llx\n",
                 field(VMCS_GUEST_CR0), field(VMCS_GUEST_CR3), field(VMCS_GUEST_CR4),
                 field(VMCS_GUEST_EFER), field(VMCS_GUEST_DR7));
}

static void dump_segments(void)
{
    static const char *const names[] = {"es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr"};

    for (int i = 0; i < 8; i++)
        platform_log("  %s\t%04llx base %016llx limit %08llx rights %05llx\n", names[i],
                     field((enum vmcs_field)(VMCS_GUEST_ES_SELECTOR + 2 * i)),
                     field((enum vmcs_field)(VMCS_GUEST_ES_BASE + 2 * i)),
                     field((enum vmcs_field)(VMCS_GUEST_ES_LIMIT + 2 * i)),
                     field((enum vmcs_field)(VMCS_GUEST_ES_ACCESS_RIGHTS + 2 * i)));
    platform_log("  gdtr\t     base %016llx limit %08llx\n", field(VMCS_GUEST_GDTR_BASE),
                 field(VMCS_GUEST_GDTR_LIMIT));
    platform_log("  idtr\t     base %016llx limit %08llx\n", field(VMCS_GUEST_IDTR_BASE),
                 field(VMCS_GUEST_IDTR_LIMIT));
}

/* Controls that the vCPU does without, by name. */
static void dump_absent(const struct vcpu *vcpu)
{
    for (int group = 0; group < CONTROL_GROUPS; group++)
        for (uint32_t bit = 0; bit < 32; bit++)
            if (vcpu->absent[group] >> bit & 1)
                platform_log("  absent on this CPU: %s\n",
                             control_name((enum control_group)group, bit));
}

static void dump_controls(void)
{
    platform_log("  controls: pin %llx primary %llx secondary %llx exit %llx entry %llx\n",
                 field(VMCS_PIN_BASED_CONTROLS), field(VMCS_PRIMARY_CONTROLS),
                 field(VMCS_SECONDARY_CONTROLS), field(VMCS_EXIT_CONTROLS),
                 field(VMCS_ENTRY_CONTROLS));
    platform_log("  exception bitmap %llx  entry interruption info %llx  EPT pointer %llx\n",
                 field(VMCS_EXCEPTION_BITMAP), field(VMCS_ENTRY_INTERRUPTION_INFO),
                 field(VMCS_EPT_POINTER));
}

/* Only where linear and guest-physical address are the same does CS:RIP lead to bytes without a
 * walk. */
static void dump_code(const struct vcpu *vcpu)
{
    uint64_t rip = field(VMCS_GUEST_CS_BASE) + field(VMCS_GUEST_RIP), physical;

    platform_log("  bytes at rip, taken as guest-physical:");
    for (uint64_t i = 0; i < 16; i++) {
        if (!ept_translate(vcpu->ept, rip + i, &physical) || !platform_at(physical)) {
            platform_log(" (not mapped)");
            break;
        }
        platform_log(" %02x", *(const uint8_t *)platform_at(physical));
    }
    platform_log("\n");
}

void vcpu_dump(const struct vcpu *vcpu)
{
    dump_cause(vcpu);
    dump_registers(vcpu);
    dump_segments();
    dump_controls();
    dump_absent(vcpu);
    dump_code(vcpu);
}
