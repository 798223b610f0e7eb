/* SPDX-License-Identifier: MIT */
/* Policies that are refused, and what is said of them. */
#include "policy_fixture.h"

static void errors_have_places(void **unused)
{
    static const struct refused cases[] = {
        {"intercpet msr 1", 1, 1, "did you mean intercept"},
        {"default msr intercept\n\n  frob", 3, 3, "'frob'"},
        {"default mrs intercept", 1, 9, "did you mean msr"},
        {"default msr passthru", 1, 13, "passthrough"},
        {"default msr", 1, 12, "line ends"},
        {"default msr intercept now", 1, 23, "one word too many"},
        {"intercept msr", 1, 14, "line ends"},
        {"intercept msr x", 1, 15, "'x'"},
        {"intercept msr 5-", 1, 15, "'5-'"},
        {"intercept msr 9-5", 1, 15, "backwards"},
        {"intercept msr 0x100000000", 1, 15, "beyond"},
        {"intercept msr 99999999999999999999", 1, 15, "not a number"},
        {"intercept io 0x10000", 1, 14, "beyond"},
        {"intercept io 1 r", 1, 16, "one word too many"},
        {"intercept msr 1 rx", 1, 17, "r, w or rw"},
        {"intercept msr -1", 1, 15, "'-1'"},
        {"passthrough msr 0x2000", 1, 17, "exit under every policy"},
        {"passthrough msr 0x1fff-0x2000", 1, 17, "exit under every policy"},
        {"passthrough msr 0-0xc0001fff", 1, 17, "exit under every policy"},
        {"passthrough msr IA32_DS_AREA w", 1, 17, "by IA32_DS_AREA the CPU writes to memory"},
        {"passthrough msr IA32_PEBS_ENABLE", 1, 17, "exits under every policy"},
        {"passthrough msr rtit", 1, 17, "by rtit the CPU writes to memory"},
        {"passthrough msr 0x1900-0x19ff r", 1, 17, "exits under every policy"},
        {"control htl-exiting on", 1, 9, "did you mean hlt-exiting"},
        {"control hlt-exiting maybe", 1, 21, "on, off or where-offered"},
        {"probes al", 1, 8, "off, counts"},
        {"hide cpiud mce", 1, 6, "did you mean cpuid"},
        {"hide cpuid", 1, 11, "line ends"},
        {"hide cpuid mec", 1, 12, "did you mean mce"},
        {"hide cpuid mce 1", 1, 16, "one word too many"},
        {"hide cpuid 1:", 1, 12, "no leaf"},
        {"hide cpuid 1:0xffffffff eax 1", 1, 12, "no leaf"},
        {"hide cpuid 0x100000000 eax 1", 1, 12, "no leaf"},
        {"hide cpuid 7:0", 1, 15, "line ends"},
        {"hide cpuid 7:0 efx 1", 1, 16, "eax, ebx, ecx or edx"},
        {"hide cpuid 7:0 ebx 32", 1, 20, "beyond"},
        {"hide cpuid 7:0 ebx 1 2", 1, 22, "one word too many"},
        {"unclaimed", 1, 10, "line ends"},
        {"unclaimed msr ones", 1, 11, "'msr' is not io"},
        {"unclaimed io", 1, 13, "line ends"},
        {"unclaimed io one", 1, 14, "did you mean ones"},
        {"unclaimed io ones now", 1, 19, "one word too many"},
        {"emulate", 1, 8, "line ends"},
        {"emulate exception ud", 1, 9, "msr or io"},
        {"refuse io 0x80", 1, 8, "'io' is not msr"},
        {"forward msr", 1, 12, "line ends"},
        {"emulate msr 0x10 r", 1, 18, "one word too many"},
        {"emulate msr 0x2000", 1, 13, "forwarded under every policy"},
        {"refuse msr 0-0xffffffff", 1, 12, "forwarded under every policy"},
        {"emulate io 0x10000", 1, 12, "beyond"},
        {"refuse msr IA32_EFFER", 1, 12, "did you mean IA32_EFER"},
        {"intercept exception", 1, 20, "line ends"},
        {"intercept exception udd", 1, 21, "did you mean ud"},
        {"intercept exception 32", 1, 21, "beyond the last, 0x1f"},
        {"intercept exception ud now", 1, 24, "one word too many"},
        {"passthrough exception mc", 1, 23, "exit under every policy"},
        {"passthrough exception 0-31", 1, 23, "exit under every policy"},
        {"a b c d e f g h i", 1, 17, "not part of any rule"},
    };
    (void)unused;
    expect_refused(cases, sizeof(cases) / sizeof(cases[0]));
}

static void names_are_checked(void **unused)
{
    struct policy policy;
    struct policy_error error;
    static const char *const names[] = {"", "No", "a b",
                                        "0123456789012345678901234567890123456789012345678"};
    (void)unused;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(policy_compile(names[i], "", 0, &policy, &error), -1);
        assert_int_equal(error.line, 0);
        free(error.message);
    }
}

static void random_bytes_do_no_harm(void **unused)
{
    uint64_t state = 7;
    static const char alphabet[] = "default msrio0x-9 \n\t#\0passthrough intercept";
    (void)unused;
    for (int round = 0; round < 3000; round++) {
        char source[48];
        struct policy policy;
        struct policy_error error;
        for (size_t i = 0; i < sizeof(source); i++)
            source[i] = alphabet[random_below(&state, sizeof(alphabet))];
        if (policy_compile("test", source, sizeof(source), &policy, &error) < 0)
            assert_true(error.line >= 1 && error.column >= 1);
        free(error.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_have_places),
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test(random_bytes_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
