/* SPDX-License-Identifier: MIT */
#include "life_fixture.h"

#include "stub_entry.h"

#include "../vmx/vmcs_field.h"
#include "../x86/msr.h"

#include <string.h>

#define ON_DEMAND   (4ull << 30)
#define FIELDS_MOST 256

struct life life;

static bool says(const char *refusal)
{
    life.said = refusal;
    return !refusal;
}

static bool without_words(bool done)
{
    life.said = NULL;
    return done;
}

static bool of(const struct vcpu *vcpu, bool done)
{
    life.said = done ? NULL : vcpu->stop.text;
    return done;
}

/* What the VMCS holds as a guest is entered, in each step of a life in which nothing fails. */
static struct {
    bool known;
    uint64_t fields[FIELDS_MOST];
} whole[LIFE_STEPS];

/* Addresses are other ones in each life: then it matters that there is memory. */
static bool is_address(const struct vcpu *vcpu, uint64_t value)
{
    return simulated_is_allocated(value) || value == (uintptr_t)vcpu + VCPU_FRAME_END;
}

static void look_at_vmcs(const struct vcpu *vcpu)
{
    size_t count;
    const struct vmcs_field_description *fields = vmcs_fields(&count);
    bool known = whole[life.step].known;

    assert_true(count <= FIELDS_MOST && life.step < LIFE_STEPS);
    assert_true(simulated_cpu.current && simulated_cpu.current->physical == vcpu->vmcs.physical);
    assert_int_equal(vcpu->launched, simulated_cpu.current->launched);
    for (size_t i = 0; i < count; i++) {
        uint64_t value = *simulated_field(fields[i].encoding);
        if (VMCS_FIELD_GROUP(fields[i].encoding) == VMCS_GROUP_EXIT_INFORMATION)
            continue;
        if (is_address(vcpu, value))
            value = 1;
        if (known && life.expect_whole && value != whole[life.step].fields[i])
            fail_msg("entered in step %u with %s = 0x%llx and not 0x%llx\n%s", life.step,
                     fields[i].name, (unsigned long long)value,
                     (unsigned long long)whole[life.step].fields[i], simulated_log());
        if (!known)
            whole[life.step].fields[i] = value;
    }
    whole[life.step].known = true;
}

static enum vmx_failure entry;

static enum vmx_failure enter(struct vcpu *vcpu)
{
    life.entered++;
    look_at_vmcs(vcpu);
    if (entry == VMX_SUCCEED) {
        vcpu->stop = (struct vcpu_stop){.cause = STOP_HALTED};
        simulated_cpu.current->launched = true;
    }
    if (entry == VMX_FAIL_VALID)
        *simulated_field(VMCS_INSTRUCTION_ERROR) = life.entry_error;
    return entry;
}

bool life_enable(void)
{
    return says(vmx_enable(&life.cpu));
}

bool life_make_map(void)
{
    return says(ept_create(&life.ept, &life.cpu.capability));
}

static bool map(void)
{
    return without_words(
        ept_map(&life.ept, 0, platform_physical(life.memory), 2 * PAGE_SIZE, EPT_ALL));
}

static bool make_pool(void)
{
    return without_words(demand_create(&life.demand, &life.ept, 2));
}

static bool map_on_demand(void)
{
    return without_words(demand_add(&life.demand, ON_DEMAND, 4 * PAGE_SIZE));
}

bool life_create_first(void)
{
    life.first = vcpu_create(&life.cpu.capability, &life.ept);
    return without_words(life.first);
}

bool life_create_second(void)
{
    life.second = vcpu_create(&life.cpu.capability, &life.ept);
    return without_words(life.second);
}

static bool apply_first(void)
{
    return of(life.first, vcpu_apply_policy(life.first, &life.policy));
}

bool life_apply_second(void)
{
    return of(life.second, vcpu_apply_policy(life.second, &life.richer));
}

static bool start(struct vcpu *vcpu)
{
    const struct vcpu_start at = {.rip = 0x1000, .rsp = 0x8000, .cr3 = PAGE_SIZE};
    return of(vcpu, !vcpu_bind(vcpu) && vcpu_start(vcpu, &at));
}

static bool start_first(void)
{
    return start(life.first);
}

bool life_start_second(void)
{
    return start(life.second);
}

bool life_stamp(void)
{
    return of(life.first, !vcpu_bind(life.first) && vcpu_set_hardware_stamp(life.first, true));
}

bool life_count(void)
{
    return of(life.first, !vcpu_bind(life.first) && vcpu_set_performance(life.first, 1, 2));
}

bool life_run(struct vcpu *vcpu, enum vmx_failure so, enum stop_cause cause)
{
    if (vcpu_bind(vcpu))
        return of(vcpu, false);
    entry = so;
    vcpu_set_path(vcpu, VCPU_PATH_STAMPS);
    vcpu_set_time_limit(vcpu, 1000000);
    return of(vcpu, vcpu_run(vcpu)->cause == cause);
}

bool life_run_first(void)
{
    return life_run(life.first, VMX_SUCCEED, STOP_HALTED);
}

bool life_run_second(void)
{
    return life_run(life.second, VMX_SUCCEED, STOP_HALTED);
}

bool life_fail_to_enter(void)
{
    return life_run(life.first, VMX_FAIL_VALID, STOP_ENTRY_VALID);
}

static bool unmap(void)
{
    return without_words(ept_unmap(&life.ept, 0, PAGE_SIZE));
}

static bool unbind_first(void)
{
    return without_words(vcpu_unbind(life.first));
}

bool life_destroy_first(void)
{
    return without_words(vcpu_destroy(life.first));
}

bool life_destroy_second(void)
{
    return without_words(vcpu_destroy(life.second));
}

const struct life_step life_steps[LIFE_STEPS] = {
    {"VMX operation", life_enable, false},
    {"map", life_make_map, false},
    {"memory", map, true},
    {"pool", make_pool, false},
    {"memory on demand", map_on_demand, true},
    {"first vCPU", life_create_first, false},
    {"second vCPU", life_create_second, false},
    {"policy", apply_first, false},
    {"start", start_first, false},
    {"hardware stamp", life_stamp, false},
    {"performance", life_count, false},
    {"VMLAUNCH", life_run_first, false},
    {"VMRESUME", life_run_first, false},
    {"policy of the second", life_apply_second, false},
    {"start of the second", life_start_second, false},
    {"run of the second", life_run_second, false},
    {"unmap", unmap, false},
    {"run of the first again", life_run_first, false},
    {"entry that VMfails", life_fail_to_enter, false},
    {"run behind it", life_run_first, false},
    {"unbind", unbind_first, false},
    {"run when bound anew", life_run_first, false},
    {"another policy", apply_first, false},
    {"another start", start_first, false},
    {"run under it", life_run_first, false},
    {"end of the first", life_destroy_first, false},
    {"end of the second", life_destroy_second, false},
};

void life_forget(void)
{
    memset(whole, 0, sizeof(whole));
}

void life_begin(void)
{
    simulated_platform_reset();
    simulated_cpu_reset();
    simulated_cpu_number_set(3);
    simulated_msr_set(IA32_TSC, 0);
    stub_guest = enter;
    life = (struct life){.entry_error = 7};
    life.bitmaps = platform_pages_allocate(3, PAGE_SIZE);
    life.memory = platform_pages_allocate(2, PAGE_SIZE);
    life.policy = (struct vcpu_policy){
        .controls = {[CONTROL_PIN_BASED] = {.set = PIN_BASED_EXTERNAL_INTERRUPT_EXITING}},
        .msr_bitmap = life.bitmaps,
        .io_bitmap_a = life.bitmaps + PAGE_SIZE,
        .io_bitmap_b = life.bitmaps + 2 * PAGE_SIZE,
    };
    life.richer = life.policy;
    life.richer.controls[CONTROL_PRIMARY].set = PRIMARY_TPR_SHADOW;
    life.richer.controls[CONTROL_SECONDARY].set = SECONDARY_PAUSE_LOOP_EXITING;
    life.richer.cr3_target_count = 2;
    life.richer.cr3_targets[0] = life.richer.cr3_targets[1] = 3 * PAGE_SIZE;
    memset(life.bitmaps, 0xff, 3 * PAGE_SIZE);
}

void life_end(void)
{
    demand_destroy(&life.demand);
    ept_destroy(&life.ept);
    vmx_disable(&life.cpu);
    platform_pages_free(life.memory, 2);
    platform_pages_free(life.bitmaps, 3);
    if (simulated_cpu.faults)
        fail_msg("%s\n%s", simulated_cpu.first_fault, simulated_log());
    assert_int_equal(simulated_pages_held(), 0);
}
