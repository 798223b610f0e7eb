/* SPDX-License-Identifier: MIT */
/*
 * The life of two vCPUs, from VMXON to VMXOFF, with one VMX instruction or one allocation in it
 * made to fail, and that each of them in turn. Such a failure has a name; the step that it hits,
 * done again, succeeds; no guest is entered with a VMCS that lacks anything; and nothing is left
 * behind.
 */
#include "stub_entry.h"
#include "tests.h"

#include "../vmx/demand.h"
#include "../vmx/exit_reason.h"
#include "../vmx/vmcs_field.h"
#include "../vmx/vmxon.h"
#include "../x86/msr.h"

#include <string.h>

#define ON_DEMAND   (4ull << 30)
#define STEPS_MOST  32
#define FIELDS_MOST 256

static struct {
    struct vmx_cpu cpu;
    struct ept ept;
    struct demand demand;
    struct vcpu *first, *second;
    struct vcpu_policy policy, richer;
    char *bitmaps, *memory;
} life;

static const char *const instructions[SIMULATED_INSTRUCTIONS] = {
    "VMXON", "VMXOFF", "VMCLEAR", "VMPTRLD", "VMREAD", "VMWRITE", "INVEPT", "INVVPID"};

/* What the step that runs has said of its failure. */
static const char *said;

static bool says(const char *refusal)
{
    said = refusal;
    return !refusal;
}

static bool without_words(bool done)
{
    said = NULL;
    return done;
}

static bool of(const struct vcpu *vcpu, bool done)
{
    said = done ? NULL : vcpu->stop.text;
    return done;
}

/* What the VMCS holds as a guest is entered, in each step of a life in which nothing fails. */
static struct {
    bool known;
    uint64_t fields[FIELDS_MOST];
} whole[STEPS_MOST];
static unsigned step_now;
static bool expect_whole;

/* Addresses are other ones in each life: then it matters that there is memory. */
static bool is_address(const struct vcpu *vcpu, uint64_t value)
{
    return simulated_is_allocated(value) || value == (uintptr_t)vcpu + VCPU_FRAME_END;
}

static void look_at_vmcs(const struct vcpu *vcpu)
{
    size_t count;
    const struct vmcs_field_description *fields = vmcs_fields(&count);
    bool known = whole[step_now].known;

    assert_true(count <= FIELDS_MOST && step_now < STEPS_MOST);
    assert_true(simulated_cpu.current && simulated_cpu.current->physical == vcpu->vmcs.physical);
    assert_int_equal(vcpu->launched, simulated_cpu.current->launched);
    for (size_t i = 0; i < count; i++) {
        uint64_t value = *simulated_field(fields[i].encoding);
        if (VMCS_FIELD_GROUP(fields[i].encoding) == VMCS_GROUP_EXIT_INFORMATION)
            continue;
        if (is_address(vcpu, value))
            value = 1;
        if (known && expect_whole && value != whole[step_now].fields[i])
            fail_msg("entered in step %u with %s = 0x%llx and not 0x%llx\n%s", step_now,
                     fields[i].name, (unsigned long long)value,
                     (unsigned long long)whole[step_now].fields[i], simulated_log());
        if (!known)
            whole[step_now].fields[i] = value;
    }
    whole[step_now].known = true;
}

static enum vmx_failure entry;
static uint64_t entry_error;

static unsigned entered;

static enum vmx_failure enter(struct vcpu *vcpu)
{
    entered++;
    look_at_vmcs(vcpu);
    if (entry == VMX_SUCCEED) {
        vcpu->stop = (struct vcpu_stop){.cause = STOP_HALTED};
        simulated_cpu.current->launched = true;
    }
    if (entry == VMX_FAIL_VALID)
        *simulated_field(VMCS_INSTRUCTION_ERROR) = entry_error;
    return entry;
}

static bool enable(void)
{
    return says(vmx_enable(&life.cpu));
}

static bool make_map(void)
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

static bool create_first(void)
{
    life.first = vcpu_create(&life.cpu.capability, &life.ept);
    return without_words(life.first);
}

static bool create_second(void)
{
    life.second = vcpu_create(&life.cpu.capability, &life.ept);
    return without_words(life.second);
}

static bool apply_first(void)
{
    return of(life.first, vcpu_apply_policy(life.first, &life.policy));
}

static bool apply_second(void)
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

static bool start_second(void)
{
    return start(life.second);
}

static bool stamp(void)
{
    return of(life.first, !vcpu_bind(life.first) && vcpu_set_hardware_stamp(life.first, true));
}

static bool count(void)
{
    return of(life.first, !vcpu_bind(life.first) && vcpu_set_performance(life.first, 1, 2));
}

static bool run(struct vcpu *vcpu, enum vmx_failure so, enum stop_cause cause)
{
    if (vcpu_bind(vcpu))
        return of(vcpu, false);
    entry = so;
    vcpu_set_path(vcpu, VCPU_PATH_STAMPS);
    vcpu_set_time_limit(vcpu, 1000000);
    return of(vcpu, vcpu_run(vcpu)->cause == cause);
}

static bool run_first(void)
{
    return run(life.first, VMX_SUCCEED, STOP_HALTED);
}

static bool run_second(void)
{
    return run(life.second, VMX_SUCCEED, STOP_HALTED);
}

static bool fail_to_enter(void)
{
    return run(life.first, VMX_FAIL_VALID, STOP_ENTRY_VALID);
}

static bool unmap(void)
{
    return without_words(ept_unmap(&life.ept, 0, PAGE_SIZE));
}

static bool unbind_first(void)
{
    return without_words(vcpu_unbind(life.first));
}

static bool destroy_first(void)
{
    return without_words(vcpu_destroy(life.first));
}

static bool destroy_second(void)
{
    return without_words(vcpu_destroy(life.second));
}

static const struct step {
    const char *name;
    bool (*take)(void);
    bool keeps; /* tables that stay in the map's use */
} steps[] = {
    {"VMX operation", enable, false},
    {"map", make_map, false},
    {"memory", map, true},
    {"pool", make_pool, false},
    {"memory on demand", map_on_demand, true},
    {"first vCPU", create_first, false},
    {"second vCPU", create_second, false},
    {"policy", apply_first, false},
    {"start", start_first, false},
    {"hardware stamp", stamp, false},
    {"performance", count, false},
    {"VMLAUNCH", run_first, false},
    {"VMRESUME", run_first, false},
    {"policy of the second", apply_second, false},
    {"start of the second", start_second, false},
    {"run of the second", run_second, false},
    {"unmap", unmap, false},
    {"run of the first again", run_first, false},
    {"entry that VMfails", fail_to_enter, false},
    {"run behind it", run_first, false},
    {"unbind", unbind_first, false},
    {"run when bound anew", run_first, false},
    {"another policy", apply_first, false},
    {"another start", start_first, false},
    {"run under it", run_first, false},
    {"end of the first", destroy_first, false},
    {"end of the second", destroy_second, false},
};
_Static_assert(COUNT_OF(steps) <= STEPS_MOST, "room for what each enters with");

static void begin(void)
{
    simulated_platform_reset();
    simulated_cpu_reset();
    simulated_cpu_number_set(3);
    simulated_msr_set(IA32_TSC, 0);
    stub_guest = enter;
    entry_error = 7;
    memset(&life, 0, sizeof(life));
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

static void end(void)
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

/* Which instruction, which field, and the SDM's name of the error. */
static void expect_named(enum simulated_instruction which, uint64_t error, bool done)
{
    const char *why = simulated_cpu.failed.how == VMX_FAIL_VALID ? vmx_instruction_error_name(error)
                                                                 : "VMfailInvalid";
    const char *field = vmcs_field_name((uint32_t)simulated_cpu.failed.field);

    if (!simulated_log_has(instructions[which]) || !simulated_log_has(why))
        fail_msg("step \"%s\": no word of %s, %s in:\n%s", steps[step_now].name,
                 instructions[which], why, simulated_log());
    if (which != SIMULATED_VMREAD && which != SIMULATED_VMWRITE)
        return;
    assert_true(simulated_log_has(field));
    if (!done)
        assert_string_equal(said, field);
}

/* The host state is written as the vCPU is bound, and then again; but for these two. */
static bool is_bind(uint64_t field)
{
    return VMCS_FIELD_GROUP(field) == VMCS_GROUP_HOST && field != VMCS_HOST_RIP &&
           field != VMCS_HOST_RSP;
}

/* Behind a step in which a VMWRITE failed, and that is not done again: what of it must not be used.
 */
static void expect_unused(const struct step *step)
{
    struct vcpu *vcpu =
        step->take == apply_second || step->take == start_second || step->take == run_second
            ? life.second
            : life.first;

    if (step->take == stamp) {
        assert_int_equal(*simulated_field(VMCS_EXIT_MSR_STORE_COUNT), 0);
    } else if (step->take == count) {
        uint64_t exits = *simulated_field(VMCS_EXIT_CONTROLS);
        uint64_t entries = *simulated_field(VMCS_ENTRY_CONTROLS);
        assert_int_equal(exits, vcpu->controls[CONTROL_EXIT]);
        assert_int_equal(entries, vcpu->controls[CONTROL_ENTRY]);
        assert_false(exits & EXIT_LOAD_PERF_GLOBAL_CTRL || entries & ENTRY_LOAD_PERF_GLOBAL_CTRL);
    } else {
        const unsigned before = entered;
        assert_int_equal(vcpu_run(vcpu)->cause, STOP_VMCS_REFUSED);
        assert_string_equal(vcpu->stop.text, said);
        assert_int_equal(entered, before);
    }
}

/* Whether the failure of an instruction in that step is made good without a word. */
static bool is_made_good(enum simulated_instruction which)
{
    return which == SIMULATED_INVVPID || /* by another type of it, or by doing without a VPID */
           (which == SIMULATED_VMREAD && steps[step_now].take == fail_to_enter); /* one rule less */
}

/* False if the life was over before that one. */
static bool live(enum simulated_instruction which, unsigned n, enum vmx_failure failure,
                 uint64_t error)
{
    bool failed = false;

    begin();
    expect_whole = true;
    simulated_fail(which, n, failure, error);
    for (step_now = 0; step_now < COUNT_OF(steps); step_now++) {
        bool done = steps[step_now].take();
        if (!failed && simulated_cpu.failed.times) {
            failed = true;
            if (simulated_cpu.failed.unchecked)
                fail_msg("step \"%s\": %s is accessed unchecked", steps[step_now].name,
                         vmcs_field_name((uint32_t)simulated_cpu.failed.field));
            if (!done || !is_made_good(which))
                expect_named(which, error, done);
            if (!done && which == SIMULATED_VMWRITE && !is_bind(simulated_cpu.failed.field))
                expect_unused(&steps[step_now]);
            if (!done && !steps[step_now].take())
                fail_msg("step \"%s\" fails again: %s\n%s", steps[step_now].name,
                         said ? said : "no word", simulated_log());
        } else if (!done) {
            fail_msg("step \"%s\" fails, and nothing was to: %s\n%s", steps[step_now].name,
                     said ? said : "no word", simulated_log());
        }
    }
    end();
    return failed;
}

static void nothing_fails(void)
{
    memset(whole, 0, sizeof(whole));
    assert_false(live(SIMULATED_VMXON, 0, VMX_SUCCEED, 0));
}

/* At least so many of them are there to fail. */
static void each_fails(enum simulated_instruction which, unsigned at_least)
{
    nothing_fails();
    for (int how = VMX_FAIL_INVALID; how <= VMX_FAIL_VALID; how++) {
        unsigned n = 1;
        while (live(which, n, (enum vmx_failure)how, 1 + n % 28))
            n++;
        if (n <= at_least)
            fail_msg("only %u of %s", n - 1, instructions[which]);
    }
}

static void vmxon_fails(void **state)
{
    (void)state;
    each_fails(SIMULATED_VMXON, 1);
}

static void vmclear_fails(void **state)
{
    (void)state;
    each_fails(SIMULATED_VMCLEAR, 8);
}

static void vmptrld_fails(void **state)
{
    (void)state;
    each_fails(SIMULATED_VMPTRLD, 5);
}

static void vmread_fails(void **state)
{
    (void)state;
    each_fails(SIMULATED_VMREAD, 50);
}

static void vmwrite_fails(void **state)
{
    (void)state;
    each_fails(SIMULATED_VMWRITE, 300);
}

static void invept_fails(void **state)
{
    (void)state;
    each_fails(SIMULATED_INVEPT, 3);
}

static void invvpid_fails(void **state)
{
    (void)state;
    each_fails(SIMULATED_INVVPID, 5);
}

/* The n-th allocation. What a step that fails has allocated, it gives back. */
static bool live_without(unsigned n)
{
    const unsigned own = 2; /* begin()'s */
    bool failed = false;

    begin();
    simulated_pages_fail(n);
    for (step_now = 0; step_now < COUNT_OF(steps); step_now++) {
        size_t held = simulated_pages_held();
        bool done = steps[step_now].take();
        if (!failed && simulated_pages_calls() >= n + own) {
            failed = true;
            if (done)
                fail_msg("step \"%s\" does without memory", steps[step_now].name);
            if (!steps[step_now].keeps)
                assert_int_equal(simulated_pages_held(), held);
            if (steps[step_now].take == enable || steps[step_now].take == make_map)
                assert_non_null(strstr(said, "no memory for"));
            if (steps[step_now].take == create_first || steps[step_now].take == create_second)
                assert_true(simulated_log_has("vCPU: no"));
            done = steps[step_now].take();
        }
        if (!done)
            fail_msg("step \"%s\" fails: %s", steps[step_now].name, said ? said : "no word");
    }
    end();
    return failed;
}

static void allocations_fail(void **state)
{
    unsigned n = 1;

    (void)state;
    nothing_fails();
    expect_whole = true;
    while (live_without(n))
        n++;
    assert_true(n > 16);
}

static void begin_with_a_guest(void)
{
    begin();
    expect_whole = false;
    for (step_now = 0; steps[step_now].take != run_first; step_now++)
        assert_true(steps[step_now].take());
}

static void end_with_it(void)
{
    assert_true(run_first());
    assert_true(destroy_first());
    assert_true(destroy_second());
    end();
}

/* The guest's registers do not all go into the CPU: it is not entered, and the host's come back. */
static void an_msr_refuses_the_guests_value(void **state)
{
    struct simulated_msr *lstar;
    unsigned before;

    (void)state;
    begin_with_a_guest();
    before = entered;
    lstar = simulated_msr(IA32_LSTAR);
    lstar->read_only = true;
    for (int again = 0; again < 2; again++) {
        assert_int_equal(vcpu_run(life.first)->cause, STOP_CPU_REFUSED);
        assert_int_equal(life.first->stop.value, IA32_LSTAR);
        assert_string_equal(life.first->stop.text, "an MSR refuses its value");
    }
    assert_int_equal(entered, before);
    lstar->read_only = false;
    resident_to_host();
    assert_int_equal(lstar->value, 0x8888);
    assert_int_equal(simulated_msr(IA32_STAR)->value, 0x7777);
    end_with_it();
}

/* Nothing will ever wake it: that is found before it is entered. */
static void a_guest_that_sleeps_for_good(void **state)
{
    unsigned before;

    (void)state;
    begin_with_a_guest();
    before = entered;
    life.first->events.halted = true;
    assert_int_equal(vcpu_run(life.first)->cause, STOP_HALTED);
    assert_int_equal(entered, before);
    end_with_it();
}

/* VMLAUNCH and VMRESUME with each error there is, and those that there are not. */
static void entries_fail(void **state)
{
    (void)state;
    begin_with_a_guest();
    for (uint64_t error = 0; error <= 64; error++) {
        entry_error = error;
        assert_true(fail_to_enter());
        assert_int_equal(life.first->stop.value, error);
        assert_non_null(strstr(life.first->stop.text, vmx_instruction_error_name(error)));
        if (error % 3) /* the next is a VMLAUNCH again, or a VMRESUME */
            assert_true(run_first());
        assert_true(run(life.first, VMX_FAIL_INVALID, STOP_ENTRY_INVALID));
    }
    end_with_it();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vmxon_fails),
        cmocka_unit_test(vmclear_fails),
        cmocka_unit_test(vmptrld_fails),
        cmocka_unit_test(vmread_fails),
        cmocka_unit_test(vmwrite_fails),
        cmocka_unit_test(invept_fails),
        cmocka_unit_test(invvpid_fails),
        cmocka_unit_test(allocations_fail),
        cmocka_unit_test(entries_fail),
        cmocka_unit_test(an_msr_refuses_the_guests_value),
        cmocka_unit_test(a_guest_that_sleeps_for_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
