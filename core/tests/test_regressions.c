/* SPDX-License-Identifier: MIT */
/* Defects that the hosted tests found, or the reading for them; each once, at the edge it needed.
 */
#include "stub_entry.h"
#include "tests.h"
#include "vcpu_fixture.h"

#include "../boot/memory.h"

#include <string.h>
#include <sys/mman.h>

#define MIB (1ull << 20)

void *boot_platform_pages_allocate(size_t count, uint64_t alignment);
void boot_platform_pages_free(void *pages, size_t count);
void string_format(void (*put)(char c, void *context), void *context, const char *format,
                   va_list arguments);

/* The VPID's encoding is 0, which as *first_failure also said that nothing had failed. */
static void a_vpid_that_cannot_be_written(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 38; n++) {
        simulated_log_clear();
        simulated_cpu.cr3 ^= PAGE_SIZE; /* another host state: it is written, too */
        simulated_fail(SIMULATED_VMWRITE, n, VMX_FAIL_VALID, 12);
        bool done = vcpu_apply_policy(fixture_vcpu, &fixture_policy);
        if (done)
            fail_msg("in force, although: %s", simulated_log());
    }
}

/* A second vmx_enable() on a CPU that is on is refused, and must not lose the first one's region.
 */
static void enabled_twice(void **state)
{
    struct vmx_cpu cpu;
    size_t held = simulated_pages_held();
    (void)state;
    assert_null(vmx_enable(&cpu));
    assert_non_null(vmx_enable(&cpu));
    vmx_disable(&cpu);
    bool left = !simulated_cpu.vmx_operation;
    bool freed = simulated_pages_held() == held;
    if (!left) { /* so that this failure stays the only one */
        x86_vmxoff();
        x86_write_cr4(x86_read_cr4() & ~(1ull << 13));
    }
    simulated_platform_reset();
    assert_true(left && freed);
}

/* VMLAUNCH has worked, the guest exits, and the VMRESUME after it fails. */
static enum vmx_failure launches_then_fails(struct vcpu *vcpu)
{
    bool launched = simulated_cpu.current->launched;
    if (vcpu->launched != launched) {
        *simulated_field(VMCS_INSTRUCTION_ERROR) = launched ? 4 : 5;
        return VMX_FAIL_VALID;
    }
    simulated_cpu.current->launched = true;
    if (launched) {
        vcpu->stop = (struct vcpu_stop){.cause = STOP_PHASE_DONE};
        return VMX_SUCCEED;
    }
    *simulated_field(VMCS_INSTRUCTION_ERROR) = 7;
    return VMX_FAIL_VALID;
}

/* The same, the VMRESUME failing on guest state: a handler reports that, and 0 is returned. */
static enum vmx_failure launches_then_fails_on_state(struct vcpu *vcpu)
{
    enum vmx_failure failure = launches_then_fails(vcpu);
    if (failure == VMX_SUCCEED || *simulated_field(VMCS_INSTRUCTION_ERROR) != 7)
        return failure;
    vcpu->stop = (struct vcpu_stop){.cause = STOP_ENTRY_FAILED, .exit_reason = 0x80000021};
    return VMX_SUCCEED;
}

static void the_next_run_is_entered(void)
{
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    vcpu_run(fixture_vcpu);
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    const struct vcpu_stop *stop = vcpu_run(fixture_vcpu);
    if (stop->cause == STOP_ENTRY_VALID && stop->value != 7)
        fail_msg("every later job fails too: %s", stop->text);
}

static void a_failed_resume_does_not_end_all_runs(void **state)
{
    (void)state;
    stub_guest = launches_then_fails;
    the_next_run_is_entered();
}

static void a_resume_into_bad_state_does_not_end_all_runs(void **state)
{
    (void)state;
    stub_guest = launches_then_fails_on_state;
    the_next_run_is_entered();
}

/* The contract: below 2^48, and what is mapped is what was asked for. */
static void a_mapping_whose_end_wraps_is_refused(void **state)
{
    size_t held = simulated_pages_held();
    (void)state;
    simulated_pages_fail(8); /* else it goes on until the host has no memory */
    assert_false(ept_map(&fixture_ept, 2 * MIB, 0, 0 - 1 * MIB, EPT_ALL));
    assert_int_equal(simulated_pages_held(), held);
}

static void a_mapping_to_beyond_physical_memory_is_refused(void **state)
{
    uint64_t host;
    (void)state;
    bool mapped = ept_map(&fixture_ept, 0, (1ull << 52) - PAGE_SIZE, 2 * PAGE_SIZE, EPT_ALL);
    if (mapped && ept_translate(&fixture_ept, PAGE_SIZE, &host))
        fail_msg("mapped to 0x%llx", (unsigned long long)host);
    assert_false(mapped);
}

static void put(char c, void *context)
{
    char *text = context;
    text[strlen(text)] = c;
}

static void formatted(const char *should, const char *format, ...)
{
    char is[64] = "";
    va_list arguments;
    va_start(arguments, format);
    string_format(put, is, format, arguments);
    va_end(arguments);
    assert_string_equal(is, should);
}

static void zeros_go_behind_the_sign(void **state)
{
    (void)state;
    formatted("-0042", "%05d", -42);
}

static void characters_have_a_width(void **state)
{
    (void)state;
    formatted("    x", "%5c", 'x');
}

/* An entry that runs over the end of the address space is no memory at page 0. */
static void a_memory_range_that_wraps(void **state)
{
    static struct __attribute__((aligned(8))) {
        uint32_t size, reserved, type, bytes, entry_size, version;
        uint64_t base, length;
        uint32_t kind, zero, end_type, end_bytes;
    } info = {sizeof(info), 0, 6, 40, 24, 0, 0xffffffffffffff00, 0x2000, 1, 0, 0, 8};
    static struct boot_information information;
    (void)state;
    const char *wrong = boot_information_read((uintptr_t)&info, &information);
    assert_non_null(wrong);
    assert_string_equal(wrong, "boot information: no memory map");
}

/* Two ranges are taken: what lies below both is larger than what the first leaves above it. */
static void the_largest_stretch_below_two_taken_ranges(void **state)
{
    const uint64_t base = 0x10000000, page = PAGE_SIZE;
    const struct memory_range taken[] = {{base + 45 * page, base + 46 * page},
                                         {base + 70 * page, base + 71 * page}};
    const struct boot_information machine = {.usable = {{base, base + 100 * page}},
                                             .usable_count = 1};
    void *memory = mmap((void *)base, 100 * page, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    (void)state;
    assert_ptr_equal(memory, base);
    assert_null(memory_start(&machine, taken, COUNT_OF(taken)));
    void *pages = boot_platform_pages_allocate(45, page);
    if (pages)
        boot_platform_pages_free(pages, 45);
    munmap(memory, 100 * page);
    assert_non_null(pages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        vcpu_test(a_vpid_that_cannot_be_written),
        simulated_test(enabled_twice),
        vcpu_test(a_failed_resume_does_not_end_all_runs),
        vcpu_test(a_resume_into_bad_state_does_not_end_all_runs),
        vcpu_test(a_mapping_whose_end_wraps_is_refused),
        vcpu_test(a_mapping_to_beyond_physical_memory_is_refused),
        cmocka_unit_test(zeros_go_behind_the_sign),
        cmocka_unit_test(characters_have_a_width),
        cmocka_unit_test(a_memory_range_that_wraps),
        cmocka_unit_test(the_largest_stretch_below_two_taken_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
