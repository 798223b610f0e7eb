/* SPDX-License-Identifier: MIT */
/*
 * A guest that has paging off where VM entry wants it on. Whatever it loads, it reads back what a
 * CPU would hold, and the next VM entry is one that the CPU takes.
 */
#include "check_fixture.h"

#include "../exits/guest_mode.h"
#include "../vmx/dispatch.h"

#define GUEST_PAGES  16u
#define IDENTITY_MAP 0x4000ull
#define PRIMARY      0x96006172u /* as the policy has it */

static char *memory; /* the guest's, from 0 on */

static int unpaged_setup(void **state)
{
    static const struct vcpu_start start = {
        .mode = VCPU_PROTECTED, .rip = 0x1000, .identity_map = IDENTITY_MAP};

    if (check_setup(state))
        return -1;
    memory = platform_pages_allocate(GUEST_PAGES, PAGE_SIZE);
    return ept_map(&fixture_ept, 0, platform_physical(memory), GUEST_PAGES * PAGE_SIZE, EPT_ALL) &&
                   vcpu_start(fixture_vcpu, &start)
               ? 0
               : -1;
}

static int unpaged_teardown(void **state)
{
    platform_pages_free(memory, GUEST_PAGES);
    return check_teardown(state);
}

/* The guest's registers, as it reads them. */
struct view {
    uint64_t cr0, cr3, cr4, efer;
};

static enum exit_outcome take(uint32_t reason, uint64_t qualification)
{
    *simulated_field(VMCS_GUEST_RIP) = 0x1000;
    *simulated_field(VMCS_ENTRY_INTERRUPTION_INFO) = 0;
    *simulated_field(VMCS_EXIT_REASON) = reason;
    *simulated_field(VMCS_EXIT_INSTRUCTION_LENGTH) = 3;
    *simulated_field(VMCS_EXIT_QUALIFICATION) = qualification;
    return exit_handlers[reason](fixture_vcpu);
}

static enum exit_outcome move_to(unsigned number, uint64_t value)
{
    fixture_vcpu->rbx = value;
    return take(EXIT_REASON_CR_ACCESS, number | 3 << 8);
}

static enum exit_outcome write_efer(uint64_t value)
{
    fixture_vcpu->rcx = IA32_EFER;
    fixture_vcpu->rax = (uint32_t)value;
    fixture_vcpu->rdx = value >> 32;
    return take(EXIT_REASON_WRMSR, 0);
}

static struct view view(void)
{
    struct view is = {.cr0 = guest_cr0(), .cr4 = guest_cr4()};

    take(EXIT_REASON_CR_ACCESS, 3 | 1 << 4 | 3 << 8);
    is.cr3 = fixture_vcpu->rbx;
    fixture_vcpu->rcx = IA32_EFER;
    take(EXIT_REASON_RDMSR, 0);
    is.efer = fixture_vcpu->rdx << 32 | fixture_vcpu->rax;
    return is;
}

static void sees(struct view wanted)
{
    struct view is = view();

    assert_int_equal(is.cr0, wanted.cr0);
    assert_int_equal(is.cr3, wanted.cr3);
    assert_int_equal(is.cr4, wanted.cr4);
    assert_int_equal(is.efer, wanted.efer);
}

/* What the CPU gets, for a guest that sees this. */
static void runs_under(struct view guest)
{
    bool paged = guest.cr0 & CR0_PG;
    uint64_t cr4 = *simulated_field(VMCS_GUEST_CR4);
    uint32_t primary = (uint32_t)*simulated_field(VMCS_PRIMARY_CONTROLS);

    take(EXIT_REASON_CPUID, 0); /* nothing is to be injected any more */
    check_passes();
    assert_int_equal(*simulated_field(VMCS_GUEST_CR0) & (CR0_PE | CR0_PG), CR0_PE | CR0_PG);
    assert_int_equal(*simulated_field(VMCS_GUEST_CR3), paged ? guest.cr3 : IDENTITY_MAP);
    assert_int_equal(cr4, paged ? guest.cr4 | CR4_VMXE
                                : (guest.cr4 & ~(CR4_PAE | CR4_SMEP)) | CR4_PSE | CR4_VMXE);
    assert_int_equal(*simulated_field(VMCS_CR4_MASK), paged ? 0x6000 : 0x306030);
    assert_int_equal(*simulated_field(VMCS_GUEST_EFER),
                     paged ? guest.efer : guest.efer & ~EFER_LME);
    assert_int_equal(primary,
                     paged ? PRIMARY
                           : (PRIMARY | PRIMARY_CR3_LOAD_EXITING | PRIMARY_CR3_STORE_EXITING) &
                                 ~(uint32_t)PRIMARY_MSR_BITMAPS);
    assert_int_equal(fixture_vcpu->controls[CONTROL_PRIMARY], primary);
    assert_int_equal(fixture_vcpu->controls[CONTROL_ENTRY], *simulated_field(VMCS_ENTRY_CONTROLS));
}

static void done(enum exit_outcome outcome)
{
    assert_int_equal(outcome, EXIT_RESUME);
    assert_int_equal(*simulated_field(VMCS_ENTRY_INTERRUPTION_INFO), 0);
    assert_int_equal(*simulated_field(VMCS_GUEST_RIP), 0x1003);
}

static void gp(enum exit_outcome outcome)
{
    assert_int_equal(outcome, EXIT_RESUME);
    assert_int_equal(*simulated_field(VMCS_ENTRY_INTERRUPTION_INFO), 0x80000b0d);
    assert_int_equal(*simulated_field(VMCS_GUEST_RIP), 0x1000);
}

/* The way of every kernel. */
static void to_long_mode_and_back(void **state)
{
    struct view v = {.cr0 = CR0_PE | CR0_ET};
    (void)state;
    sees(v);
    runs_under(v);
    done(move_to(4, v.cr4 = CR4_PAE));
    done(move_to(3, v.cr3 = 0x3000));
    done(write_efer(v.efer = EFER_LME | EFER_SCE));
    sees(v);
    runs_under(v);
    done(move_to(0, v.cr0 |= CR0_PG));
    v.efer |= EFER_LMA;
    sees(v);
    runs_under(v);
    assert_int_equal(*simulated_field(VMCS_ENTRY_CONTROLS) >> 9 & 1, 1);

    done(move_to(0, v.cr0 &= ~CR0_PG)); /* in compatibility mode */
    v.efer &= ~EFER_LMA;
    sees(v);
    runs_under(v);
    assert_int_equal(*simulated_field(VMCS_ENTRY_CONTROLS) >> 9 & 1, 0);
    done(write_efer(v.efer = 0));
    done(move_to(4, v.cr4 = 0));
    done(move_to(0, v.cr0 |= CR0_PG)); /* 32-bit paging */
    sees(v);
    runs_under(v);
}

/* Bits of CR4 that translate are the core's without paging; with it the policy's stay its own. */
static void the_policys_mask_outlasts_the_cores(void **state)
{
    (void)state;
    fixture_vcpu->cr4_mask = CR4_PAE | CR4_PGE;
    *simulated_field(VMCS_CR4_MASK) |= CR4_PAE | CR4_PGE;
    done(move_to(4, CR4_PAE | CR4_PGE));
    done(move_to(3, 0x3000));
    done(write_efer(EFER_LME));
    done(move_to(0, CR0_PE | CR0_ET | CR0_PG));
    assert_int_equal(*simulated_field(VMCS_CR4_MASK), 0x60a0);
    sees((struct view){CR0_PE | CR0_ET | CR0_PG, 0x3000, CR4_PAE | CR4_PGE, EFER_LME | EFER_LMA});
    fixture_vcpu->cr4_mask = 0;
}

static void real_mode_stops(void **state)
{
    (void)state;
    assert_int_equal(move_to(0, CR0_ET), EXIT_STOP);
    assert_int_equal(fixture_vcpu->stop.cause, STOP_UNHANDLED);
    assert_string_equal(fixture_vcpu->stop.text,
                        "CR0: PE or PG cleared, and this vCPU is no unrestricted guest");
}

static uint64_t some(uint64_t *seed, const uint64_t *bits, size_t count)
{
    uint64_t value = 0, chosen = random_bits(seed);

    for (size_t i = 0; i < count; i++)
        if (chosen >> i & 1)
            value |= bits[i];
    return value;
}

/* Loads of anything, against a model of the SDM's rules for a CPU without VMX. */
static void as_a_cpu(void **state)
{
    static const uint64_t cr0_bits[] = {CR0_PG, CR0_NE, CR0_WP, CR0_CD, CR0_TS, CR0_MP};
    static const uint64_t cr4_bits[] = {CR4_PAE, CR4_PSE, CR4_PGE, CR4_SMEP, CR4_DE};
    static const uint64_t efer_bits[] = {EFER_LME, EFER_SCE, EFER_NXE};
    struct view v = {.cr0 = CR0_PE | CR0_ET};
    uint64_t seed = 12;
    unsigned entered[2][2] = {{0}}, refused = 0;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        uint64_t value;
        switch (random_below(&seed, 4)) {
        case 0:
            value = CR0_PE | CR0_ET | some(&seed, cr0_bits, COUNT_OF(cr0_bits));
            if (value & CR0_PG && !(v.cr0 & CR0_PG) && v.efer & EFER_LME && !(v.cr4 & CR4_PAE)) {
                gp(move_to(0, value));
                refused++;
                break;
            }
            done(move_to(0, v.cr0 = value));
            v.efer &= ~EFER_LMA;
            if (v.cr0 & CR0_PG && v.efer & EFER_LME)
                v.efer |= EFER_LMA;
            entered[!!(v.cr0 & CR0_PG)][!!(v.efer & EFER_LME)]++;
            break;
        case 1:
            value = random_below(&seed, IDENTITY_MAP / PAGE_SIZE) * PAGE_SIZE;
            done(move_to(3, v.cr3 = value));
            break;
        case 2:
            value = some(&seed, cr4_bits, COUNT_OF(cr4_bits));
            if (v.efer & EFER_LMA && !(value & CR4_PAE)) {
                gp(move_to(4, value));
                refused++;
                break;
            }
            done(move_to(4, v.cr4 = value));
            break;
        default:
            value = some(&seed, efer_bits, COUNT_OF(efer_bits));
            if ((value ^ v.efer) & EFER_LME && v.cr0 & CR0_PG) {
                gp(write_efer(value));
                refused++;
                break;
            }
            done(write_efer(value));
            v.efer = value | (v.efer & EFER_LMA);
            break;
        }
        sees(v);
        runs_under(v);
    }
    assert_true(refused > 100);
    for (int n = 0; n < 4; n++)
        assert_true(entered[n / 2][n % 2] > 100);
}

#define unpaged_test(function) \
    cmocka_unit_test_setup_teardown(function, unpaged_setup, unpaged_teardown)

/* The list holds values of the CPU's CR3; without paging the guest's is not in there. */
static void no_cr3_targets_without_paging(void **state)
{
    static const struct vcpu_start unpaged = {
        .mode = VCPU_PROTECTED, .rip = 0x1000, .identity_map = IDENTITY_MAP};
    (void)state;
    fixture_policy.cr3_target_count = 2;
    fixture_policy.cr3_targets[0] = 0x3000;
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    assert_int_equal(*simulated_field(VMCS_CR3_TARGET_COUNT), 2);
    assert_true(vcpu_start(fixture_vcpu, &unpaged));
    assert_int_equal(*simulated_field(VMCS_CR3_TARGET_COUNT), 0);
    done(move_to(3, 0x3000));
    done(move_to(0, CR0_PE | CR0_ET | CR0_PG));
    assert_int_equal(*simulated_field(VMCS_CR3_TARGET_COUNT), 2);
    done(move_to(0, CR0_PE | CR0_ET));
    assert_int_equal(*simulated_field(VMCS_CR3_TARGET_COUNT), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unpaged_test(to_long_mode_and_back),
        unpaged_test(the_policys_mask_outlasts_the_cores),
        unpaged_test(no_cr3_targets_without_paging),
        unpaged_test(real_mode_stops),
        unpaged_test(as_a_cpu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
