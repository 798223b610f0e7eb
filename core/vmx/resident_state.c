/* SPDX-License-Identifier: MIT */
#include "resident_state.h"

#include "../platform.h"
#include "../x86/control_registers.h"
#include "../x86/instructions.h"
#include "../x86/msr.h"
#include "extended_state.h"
#include "vcpu.h"

#include <string.h>

#define DR6_RESET 0xffff0ff0u

/* CPUID.7.0:EDX: IBRS and IBPB, STIBP, SSBD; each alone brings IA32_SPEC_CTRL along. */
#define CPUID_7_EDX_SPEC_CTRL (1u << 26 | 1u << 27 | 1u << 31)

/* Bits of a CPUID register of which one must be set. */
#define NEEDS(leaf, subleaf, name, bits)                                      \
    {                                                                         \
        (leaf), (subleaf), offsetof(struct cpuid_registers, name) / 4, (bits) \
    }

static const struct {
    uint64_t (*read)(void); /* NULL: an MSR */
    void (*write)(uint64_t value);
    uint32_t msr;
    uint32_t reset;
    struct {
        uint32_t leaf;
        uint8_t subleaf;
        uint8_t number;
        uint32_t bits; /* 0: every CPU with VMX has the register */
    } needs;
} registers[RESIDENT_REGISTERS] = {
    [RESIDENT_CR2] = {.read = x86_read_cr2, .write = x86_write_cr2},
    [RESIDENT_DR0] = {.read = x86_read_dr0, .write = x86_write_dr0},
    [RESIDENT_DR1] = {.read = x86_read_dr1, .write = x86_write_dr1},
    [RESIDENT_DR2] = {.read = x86_read_dr2, .write = x86_write_dr2},
    [RESIDENT_DR3] = {.read = x86_read_dr3, .write = x86_write_dr3},
    [RESIDENT_DR6] = {.read = x86_read_dr6, .write = x86_write_dr6, .reset = DR6_RESET},
    [RESIDENT_STAR] = {.msr = IA32_STAR},
    [RESIDENT_LSTAR] = {.msr = IA32_LSTAR},
    [RESIDENT_CSTAR] = {.msr = IA32_CSTAR},
    [RESIDENT_FMASK] = {.msr = IA32_FMASK},
    [RESIDENT_KERNEL_GS_BASE] = {.msr = IA32_KERNEL_GS_BASE},
    [RESIDENT_TSC_AUX] = {.msr = IA32_TSC_AUX,
                          .needs = NEEDS(0x80000001u, 0, edx, CPUID_80000001_EDX_RDTSCP)},
    [RESIDENT_SPEC_CTRL] = {.msr = IA32_SPEC_CTRL,
                            .needs = NEEDS(7, 0, edx, CPUID_7_EDX_SPEC_CTRL)},
    [RESIDENT_XSS] = {.msr = IA32_XSS,
                      .needs = NEEDS(CPUID_EXTENDED_STATE, 1, eax, CPUID_D_1_EAX_XSAVES)},
    [RESIDENT_XFD] = {.msr = IA32_XFD,
                      .needs = NEEDS(CPUID_EXTENDED_STATE, 1, eax, CPUID_D_1_EAX_XFD)},
    [RESIDENT_XFD_ERR] = {.msr = IA32_XFD_ERR,
                          .needs = NEEDS(CPUID_EXTENDED_STATE, 1, eax, CPUID_D_1_EAX_XFD)},
};

/*
 * One a CPU. With neither an owner nor the host's state in the registers, what is in there is what
 * some vCPU has left behind: nobody's, and saved.
 */
static struct holder {
    const struct vmx_capability *capability; /* NULL outside VMX operation */
    struct vcpu *owner;                      /* whose state the CPU holds */
    bool host_away;                          /* the host's is in host and host_xcr0 */
    bool has[RESIDENT_REGISTERS];
    uint64_t there[RESIDENT_REGISTERS]; /* in the registers, as far as nobody has run since */
    struct resident_state host;
    uint64_t host_xcr0;
} holders[PLATFORM_CPUS_MAX];

static struct holder *this_holder(void)
{
    uint32_t number = platform_cpu_number();
    return number < PLATFORM_CPUS_MAX ? &holders[number] : NULL;
}

static bool is_promised(enum resident_register i)
{
    const uint32_t leaf = registers[i].needs.leaf;

    if (!registers[i].needs.bits)
        return true;
    if (leaf > x86_cpuid(leaf & 0x80000000u, 0).eax)
        return false;
    struct cpuid_registers r = x86_cpuid(leaf, registers[i].needs.subleaf);
    const uint32_t values[] = {r.eax, r.ebx, r.ecx, r.edx};
    return values[registers[i].needs.number] & registers[i].needs.bits;
}

/* A hypervisor beneath may promise an MSR that it has not got. */
static bool has_register(enum resident_register i)
{
    uint32_t low, high;
    return is_promised(i) &&
           (registers[i].read || x86_rdmsr_checked(registers[i].msr, &low, &high));
}

/* False if the MSR refuses the value. */
static bool set(struct holder *cpu, enum resident_register i, uint64_t value)
{
    if (cpu->there[i] == value)
        return true;
    if (registers[i].write)
        registers[i].write(value);
    else if (!x86_wrmsr_checked(registers[i].msr, (uint32_t)value, (uint32_t)(value >> 32)))
        return false;
    cpu->there[i] = value;
    return true;
}

/* What extended_state.h wants while extended state moves. */
static void open_extended_state(struct holder *cpu)
{
    extended_state_use(cpu->capability, cpu->capability->xcr0);
    set(cpu, RESIDENT_XSS, cpu->capability->xss);
    set(cpu, RESIDENT_XFD, 0);
}

static void save(struct holder *cpu, struct resident_state *state)
{
    for (int i = 0; i < RESIDENT_REGISTERS; i++)
        if (cpu->has[i])
            cpu->there[i] = registers[i].read ? registers[i].read() : x86_rdmsr(registers[i].msr);
    memcpy(state->value, cpu->there, sizeof(cpu->there));
    open_extended_state(cpu);
    extended_state_save(cpu->capability, state->area);
    state->cpu = RESIDENT_NOWHERE;
}

/* The register that refused its value; RESIDENT_REGISTERS if none did. */
static enum resident_register load(struct holder *cpu, const struct resident_state *state,
                                   uint64_t xcr0)
{
    enum resident_register refusing = RESIDENT_REGISTERS;

    open_extended_state(cpu);
    extended_state_load(cpu->capability, state->area);
    extended_state_use(cpu->capability, xcr0);
    for (int i = 0; i < RESIDENT_REGISTERS; i++)
        if (!set(cpu, (enum resident_register)i, state->value[i]))
            refusing = (enum resident_register)i;
    return refusing;
}

/* Whoever the CPU holds is saved. */
static void vacate(struct holder *cpu)
{
    if (cpu->owner) {
        save(cpu, &cpu->owner->resident);
        cpu->owner = NULL;
    } else if (!cpu->host_away) {
        if (cpu->capability->xcr0)
            cpu->host_xcr0 = x86_xgetbv(0);
        save(cpu, &cpu->host);
        cpu->host_away = true;
    }
}

const char *resident_start(const struct vmx_capability *capability)
{
    struct holder *cpu = this_holder();

    if (!cpu)
        return "this CPU's number is beyond PLATFORM_CPUS_MAX";
    if (x86_read_cr0() & (CR0_TS | CR0_EM))
        return "CR0.TS or CR0.EM is set: extended state is out of the core's reach";
    void *area = extended_state_create(capability);
    if (!area)
        return "no memory for the host's extended state";
    *cpu = (struct holder){.capability = capability, .host.area = area};
    for (int i = 0; i < RESIDENT_REGISTERS; i++)
        cpu->has[i] = has_register((enum resident_register)i);
    extended_state_forget(capability);
    return NULL;
}

void resident_end(void)
{
    struct holder *cpu = this_holder();

    if (!cpu || !cpu->capability)
        return;
    resident_to_host();
    extended_state_destroy(cpu->capability, cpu->host.area);
    cpu->capability = NULL;
}

static void reset(struct vcpu *vcpu)
{
    extended_state_reset(vcpu->capability, vcpu->resident.area);
    for (int i = 0; i < RESIDENT_REGISTERS; i++)
        vcpu->resident.value[i] = registers[i].reset;
    vcpu->xcr0 = XCR0_RESET;
}

bool resident_create(struct vcpu *vcpu)
{
    vcpu->resident.area = extended_state_create(vcpu->capability);
    vcpu->resident.cpu = RESIDENT_NOWHERE;
    if (!vcpu->resident.area)
        return false;
    reset(vcpu);
    return true;
}

void resident_destroy(struct vcpu *vcpu)
{
    extended_state_destroy(vcpu->capability, vcpu->resident.area);
}

void resident_reset(struct vcpu *vcpu)
{
    resident_leave(vcpu);
    reset(vcpu);
}

static bool refused(struct vcpu *vcpu, uint64_t value, const char *text)
{
    vcpu->stop = (struct vcpu_stop){.cause = STOP_CPU_REFUSED, .value = value, .text = text};
    return false;
}

bool resident_take(struct vcpu *vcpu)
{
    struct holder *cpu = this_holder();

    if (!cpu || !cpu->capability)
        return refused(vcpu, platform_cpu_number(), "it is not in VMX operation");
    if (vcpu->resident.cpu != RESIDENT_NOWHERE)
        return refused(vcpu, vcpu->resident.cpu, "another CPU still holds them");
    vacate(cpu);
    enum resident_register refusing = load(cpu, &vcpu->resident, vcpu->xcr0);
    if (refusing != RESIDENT_REGISTERS)
        return refused(vcpu, registers[refusing].msr, "an MSR refuses its value");
    cpu->owner = vcpu;
    vcpu->resident.cpu = platform_cpu_number();
    return true;
}

void resident_leave(struct vcpu *vcpu)
{
    if (vcpu->resident.cpu == platform_cpu_number())
        vacate(this_holder());
}

void resident_to_host(void)
{
    struct holder *cpu = this_holder();

    if (!cpu || !cpu->capability)
        return;
    if (cpu->owner)
        vacate(cpu);
    if (!cpu->host_away)
        return;
    load(cpu, &cpu->host, cpu->host_xcr0); /* values that were there before */
    cpu->host_away = false;
}
