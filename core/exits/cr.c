/* SPDX-License-Identifier: MIT */
/* Control-register accesses: MOV to and from CR0, CR3, CR4 and CR8, CLTS and LMSW. */
#include "../vmx/event.h"
#include "../vmx/registers.h"
#include "advance.h"
#include "control_register.h"
#include "guest_mode.h"
#include "unpaged.h"

/* Exit qualification, SDM Vol. 3C table 28-3. */
#define CR_NUMBER(qualification)      ((unsigned)(qualification) % 16)
#define CR_ACCESS(qualification)      ((unsigned)(qualification) >> 4 & 3)
#define CR_REGISTER(qualification)    ((unsigned)(qualification) >> 8 & 0xf)
#define CR_LMSW_SOURCE(qualification) ((uint64_t)(qualification) >> 16 & 0xffff)

enum {
    ACCESS_MOV_TO = 0,
    ACCESS_MOV_FROM = 1,
    ACCESS_CLTS = 2,
    ACCESS_LMSW = 3,
};

/* LMSW loads bits 3:0 of CR0, but does not clear PE (SDM Vol. 2A). */
#define CR0_LMSW (CR0_MP | CR0_EM | CR0_TS)

static enum exit_outcome unknown(struct vcpu *vcpu)
{
    return vcpu_stop(vcpu, STOP_UNHANDLED, vmread(VMCS_EXIT_QUALIFICATION),
                     "control-register access that the SDM does not define");
}

/* CR8 is bits 7:4 of the local APIC's TPR (SDM Vol. 3A 11.8.6). */
static enum exit_outcome cr8_load(struct vcpu *vcpu, uint64_t value)
{
    if (value & ~0xfull)
        return event_exception(vcpu, VECTOR_GP, 0);
    guest_advance();
    if (local_apic_is_hardware(&vcpu->apic)) {
        x86_write_cr8(value);
        return EXIT_RESUME;
    }
    enum local_apic_result result = local_apic_set_priority(&vcpu->apic, (uint8_t)value);
    return result == LOCAL_APIC_EVENTS ? EXIT_EVENTS : EXIT_RESUME;
}

static uint64_t cr3_store(struct vcpu *vcpu)
{
    return guest_cr3(vcpu);
}

static uint64_t cr8_store(struct vcpu *vcpu)
{
    return local_apic_is_hardware(&vcpu->apic) ? x86_read_cr8() : local_apic_priority(&vcpu->apic);
}

/* By number. MOV from CR0 and CR4 does not exit; CR2 is no concern of VMX. */
static enum exit_outcome (*const loads[16])(struct vcpu *, uint64_t) = {
    [0] = cr0_load,
    [3] = cr3_load,
    [4] = cr4_load,
    [8] = cr8_load,
};

static uint64_t (*const stores[16])(struct vcpu *) = {
    [3] = cr3_store,
    [8] = cr8_store,
};

static enum exit_outcome move_to(struct vcpu *vcpu, unsigned number, unsigned from)
{
    if (!loads[number])
        return unknown(vcpu);
    uint64_t value = vcpu_register(vcpu, from);
    return loads[number](vcpu, guest_in_64_bit_mode() ? value : (uint32_t)value);
}

static enum exit_outcome move_from(struct vcpu *vcpu, unsigned number, unsigned to)
{
    if (!stores[number])
        return unknown(vcpu);
    uint64_t value = stores[number](vcpu);
    vcpu_set_register(vcpu, to, guest_in_64_bit_mode() ? value : (uint32_t)value);
    guest_advance();
    return EXIT_RESUME;
}

enum exit_outcome exit_cr(struct vcpu *vcpu)
{
    uint64_t qualification = vmread(VMCS_EXIT_QUALIFICATION);

    PROBE_DETAIL(qualification);
    switch (CR_ACCESS(qualification)) {
    case ACCESS_MOV_TO:
        return move_to(vcpu, CR_NUMBER(qualification), CR_REGISTER(qualification));
    case ACCESS_MOV_FROM:
        return move_from(vcpu, CR_NUMBER(qualification), CR_REGISTER(qualification));
    case ACCESS_CLTS:
        return cr0_load(vcpu, guest_cr0() & ~CR0_TS);
    default:
        return cr0_load(vcpu, (guest_cr0() & ~CR0_LMSW) |
                                  (CR_LMSW_SOURCE(qualification) & (CR0_LMSW | CR0_PE)));
    }
}
