/* SPDX-License-Identifier: MIT */
/* Text to bitmaps to text: the same, whatever the policy. */
#include "policy_fixture.h"

#include "../../probes/record.h"
#include "../policy_bitmap.h"
#include "../policy_control.h"
#include "../policy_cpuid.h"
#include "../policy_file.h"
#include "../policy_name.h"
#include "../policy_show.h"

#include <stdio.h>

#define ROUNDS_OF_TEXTS 2000
#define ROUNDS_OF_PLANS 120

/* Shows it, and compiles what is shown: the same. */
static void there_and_back(const struct policy *policy)
{
    struct policy again;
    char *shown = policy_text(policy);
    compile(shown, &again);
    if (memcmp(&again.plan, &policy->plan, sizeof(again.plan)) != 0)
        fail_msg("is another policy:\n%.2000s", shown);
    assert_int_equal(again.probe_level, policy->probe_level);
    free(shown);
}

static const char *one_of(uint64_t *state, const char *const *words, size_t count)
{
    return words[random_below(state, (uint32_t)count)];
}

static void random_numbers(uint64_t *state, FILE *to, enum number_space space)
{
    size_t count;
    const char *const *names = name_list(space, &count);
    uint32_t limit = space == NUMBERS_MSR ? 0x2000 : 0x10000;
    uint32_t base = space == NUMBERS_MSR && random_below(state, 2) ? 0xc0000000u : 0;
    uint32_t first = random_below(state, limit);
    uint32_t last = first + random_below(state, random_below(state, 2) ? limit - first : 1);

    switch (random_below(state, 4)) {
    case 0:
        fprintf(to, "%u", base + first);
        break;
    case 1:
        fprintf(to, "0x%x-%u", base + first, base + last);
        break;
    default:
        fprintf(to, "%s", one_of(state, names, count));
    }
}

/* A rule that is refused, since none of these MSRs ever passes, is left out. */
static void random_msrs(uint64_t *state, FILE *to, const char *action, const char *access)
{
    struct policy policy;
    struct policy_error error;
    char *rule;
    size_t size;
    FILE *into = open_memstream(&rule, &size);

    fprintf(into, "%s msr ", action);
    random_numbers(state, into, NUMBERS_MSR);
    fprintf(into, "%s\n", access);
    fclose(into);
    if (policy_compile("test", rule, size, &policy, &error) == 0)
        fputs(rule, to);
    else if (*action != 'p' || !strstr(error.message, "the CPU writes to memory"))
        fail_msg("%s in %s", error.message, rule);
    free(error.message);
    free(rule);
}

static void random_rule(uint64_t *state, FILE *to)
{
    static const char *const actions[] = {"passthrough", "intercept"};
    static const char *const spaces[] = {"msr", "io", "exception", "cr0", "cr4"};
    static const char *const accesses[] = {"", " r", " w", " rw"}, *const outputs[] = {
                                                                       "eax", "ebx", "ecx", "edx"};
    static const char *const states[] = {"on", "off", "where-offered"};
    static const char *const answers[] = {"emulate", "forward", "refuse"};
    const char *action = one_of(state, actions, 2);
    size_t count;
    const char *const *names;

    switch (random_below(state, 14)) {
    case 0:
        fprintf(to, "default %s %s\n", one_of(state, spaces, 5), action);
        break;
    case 1:
    case 2:
    case 3:
        random_msrs(state, to, action, one_of(state, accesses, 4));
        break;
    case 4:
    case 5:
        fprintf(to, "%s io ", action);
        random_numbers(state, to, NUMBERS_IO);
        fprintf(to, " # a comment\n");
        break;
    case 9:
        fprintf(to, "%s msr ", one_of(state, answers, 3));
        random_numbers(state, to, NUMBERS_MSR);
        fprintf(to, "\n");
        break;
    case 10:
        fprintf(to, "%s io ", one_of(state, answers, 2));
        random_numbers(state, to, NUMBERS_IO);
        fprintf(to, "\n");
        break;
    case 11:
        fprintf(to, "%s %s %u\n", action, spaces[3 + random_below(state, 2)],
                random_below(state, 32));
        break;
    case 12:
        fprintf(to, "%s %s %u-%u\n", action, spaces[3 + random_below(state, 2)],
                random_below(state, 16), 16 + random_below(state, 16));
        break;
    case 6:
        fprintf(to, "intercept exception %u\n", random_below(state, 32));
        break;
    case 13:
        fprintf(to, "passthrough exception %u-%u\n", 3 + random_below(state, 8),
                11 + random_below(state, 7)); /* neither NMIs nor machine checks */
        break;
    case 7:
        names = policy_control_names(&count);
        fprintf(to, "control %s %s\n", one_of(state, names, count), one_of(state, states, 3));
        break;
    default:
        names = policy_feature_names(&count);
        if (random_below(state, 2))
            fprintf(to, "hide cpuid %s\n", one_of(state, names, count));
        else
            fprintf(to, "hide cpuid %u%s %s %u\n", random_below(state, 3),
                    random_below(state, 2) ? ":0" : "", one_of(state, outputs, 4),
                    random_below(state, 32));
    }
}

static void random_texts(void **unused)
{
    static const char *const kinds[] = {"forward", "ones"};
    uint64_t state = 2;
    (void)unused;
    for (int round = 0; round < ROUNDS_OF_TEXTS; round++) {
        struct policy policy;
        char *source;
        size_t size;
        FILE *to = open_memstream(&source, &size);
        for (uint32_t rules = random_below(&state, 16); rules > 0; rules--)
            random_rule(&state, to);
        if (random_below(&state, 8) == 0)
            fprintf(to, "unclaimed io %s\n", one_of(&state, kinds, 2));
        fprintf(to, "probes %s\n", one_of(&state, probe_level_names, PROBE_LEVELS_PLAIN));
        fclose(to);
        compile(source, &policy);
        there_and_back(&policy);
        free(source);
    }
}

/* Bytes as dense as asked: all the bits the same, few or many of them set. */
static void random_bits(uint64_t *state, uint8_t *bytes, size_t size)
{
    uint32_t kind = random_below(state, 5);
    memset(bytes, kind & 1 ? 0xff : 0, size);
    for (uint32_t bits = kind == 4 ? (uint32_t)size : random_below(state, 12); bits > 0; bits--)
        bytes[random_below(state, (uint32_t)size)] ^= (uint8_t)random_below(state, 256);
}

static void random_plan(uint64_t *state, struct policy *policy)
{
    struct plan_policy *plan = &policy->plan;
    size_t count;
    *policy = (struct policy){.probe_level = random_below(state, PROBE_LEVELS_PLAIN)};
    strcpy(plan->name, "test");
    random_bits(state, plan->msr_bitmap, sizeof(plan->msr_bitmap));
    policy_set_msrs(plan, 0x1fff, 0x1fff, true, true, false); /* and those that never pass */
    random_bits(state, plan->io_bitmap_a, sizeof(plan->io_bitmap_a));
    random_bits(state, plan->io_bitmap_b, sizeof(plan->io_bitmap_b));
    plan->exception_bitmap = (random_below(state, 0x10000) << 16 | random_below(state, 0x10000)) &
                             ~EXCEPTIONS_THAT_ALWAYS_EXIT;
    random_bits(state, (uint8_t *)&plan->cr0_mask, sizeof(plan->cr0_mask));
    random_bits(state, (uint8_t *)&plan->cr4_mask, sizeof(plan->cr4_mask));
    random_bits(state, plan->msr_answers, 2048); /* an MSR is emulated or refused, not both */
    random_bits(state, plan->msr_answers + 2048, 2048);
    for (size_t i = 0; i < 2048; i++)
        plan->msr_answers[i] &= (uint8_t)~plan->msr_answers[2048 + i];
    random_bits(state, plan->port_emulated, sizeof(plan->port_emulated));
    policy_control_names(&count);
    for (size_t i = 0; i < count; i++)
        if (random_below(state, 2))
            policy_control_set(plan, i, (enum policy_control_state)random_below(state, 3));
    for (uint32_t left = random_below(state, PLAN_CPUID_HIDDEN + 1); left > 0; left--)
        policy_hide_bits(plan,
                         (struct plan_cpuid_hidden){
                             random_below(state, 9),
                             random_below(state, 2) ? PLAN_ANY_SUBLEAF : random_below(state, 3),
                             random_below(state, 4), 1 + random_below(state, 0x7fffffff)});
}

static void random_plans(void **unused)
{
    uint64_t state = 3;
    (void)unused;
    for (int round = 0; round < ROUNDS_OF_PLANS; round++) {
        struct policy policy, read;
        char *error;
        random_plan(&state, &policy);
        there_and_back(&policy);
        struct policy_file file = policy_file_make(&policy);
        if (policy_file_read(&file, sizeof(file), &read, &error) < 0)
            fail_msg("%s", error);
        assert_memory_equal(&read.plan, &policy.plan, sizeof(read.plan));
        assert_int_equal(read.probe_level, policy.probe_level);
    }
}

static void shows(const char *source, const char *expected)
{
    struct policy policy;
    compile(source, &policy);
    char *shown = policy_text(&policy);
    assert_string_equal(shown, expected);
    free(shown);
}

/* The words themselves: nothing that need not be said, whatever was. */
static void words(void **unused)
{
    (void)unused;
    shows("", "default msr intercept\ndefault io intercept\ndefault exception passthrough\n"
              "default cr0 passthrough\ndefault cr4 passthrough\n");
    shows("passthrough msr 0x10-0x1f r\npassthrough msr 0x18-0x20 w\nintercept msr 0x18-0x1f r\n"
          "passthrough io 0x3f8-0x3fb\npassthrough io 0x3fc-0x3ff\n",
          "default msr intercept\npassthrough msr 0x10-0x17 r\npassthrough msr 0x18-0x20 w\n"
          "default io intercept\npassthrough io com1\ndefault exception passthrough\n"
          "default cr0 passthrough\ndefault cr4 passthrough\n");
    shows("passthrough msr 0x1fff\npassthrough msr 0xc0000000\npassthrough io 0x7fff-0x8000\n",
          "default msr intercept\npassthrough msr 0x1fff rw\npassthrough msr 0xc0000000 rw\n"
          "default io intercept\npassthrough io 0x7fff-0x8000\ndefault exception passthrough\n"
          "default cr0 passthrough\ndefault cr4 passthrough\n");
    shows("default io passthrough\nintercept io 0x20-0x21\nintercept io 0xfffe\n"
          "default exception intercept\npassthrough exception 14\npassthrough exception 9\n"
          "control hlt-exiting on\ncontrol hlt-exiting off\nunclaimed io ones\n"
          "hide cpuid 1 edx 7\nhide cpuid 1 edx 3-4\nhide cpuid 0xd:1 eax 0-31\nprobes off\n",
          "default msr intercept\ndefault io passthrough\nintercept io 0x20-0x21\n"
          "intercept io 0xfffe\ndefault exception intercept\npassthrough exception 9\n"
          "passthrough exception pf\ndefault cr0 passthrough\ndefault cr4 passthrough\ncontrol "
          "hlt-exiting off\nunclaimed io ones\n"
          "hide cpuid 0x1 edx 3-4\nhide cpuid mce\nhide cpuid 0xd:0x1 eax 0-31\nprobes off\n");
#define BITMAPS "default msr intercept\ndefault io intercept\ndefault exception passthrough\n"
    shows("intercept cr0 16\nintercept cr4 5\nintercept cr4 7\nintercept cr4 6",
          BITMAPS "default cr0 passthrough\nintercept cr0 16\n"
                  "default cr4 passthrough\nintercept cr4 5-7\n");
    shows("default cr0 intercept\nintercept cr4 0-31\npassthrough cr4 9-10",
          BITMAPS "default cr0 intercept\ndefault cr4 intercept\npassthrough cr4 9-10\n");
    shows("intercept cr0 31\npassthrough cr4 3\ncontrol rdtscp where-offered\n"
          "control hlt-exiting where-offered\ncontrol hlt-exiting on\nprobes hardware",
          BITMAPS "default cr0 passthrough\nintercept cr0 31\ndefault cr4 passthrough\n"
                  "control hlt-exiting on\ncontrol rdtscp where-offered\nprobes hardware\n");
#undef BITMAPS
}

/* A row that is taken for alike is, and a whole policy of one answer is few rows. */
static void rows_are_alike(void **unused)
{
    static const uint32_t bases[] = {0, MSR_HIGH_BASE};
    uint64_t state = 21;
    struct policy policy;
    (void)unused;
    for (int round = 0; round < 20; round++) {
        unsigned rows = 0;
        compile("default msr passthrough\ndefault io passthrough", &policy);
        for (int bits = 0; bits < round; bits++) {
            ((uint8_t *)&policy.plan.msr_bitmap)[random_below(&state, 4096)] ^= 1u << bits % 8;
            ((uint8_t *)&policy.plan.msr_answers)[random_below(&state, 4096)] ^= 1u << bits % 8;
            ((uint8_t *)&policy.plan.io_bitmap_a)[random_below(&state, 4096)] ^= 1u << bits % 8;
            ((uint8_t *)&policy.plan.io_bitmap_b)[random_below(&state, 4096)] ^= 1u << bits % 8;
            ((uint8_t *)&policy.plan.port_emulated)[random_below(&state, 8192)] ^= 1u << bits % 8;
        }
        for (int range = 0; range < 2; range++)
            for (uint32_t msr = bases[range]; msr < bases[range] + MSR_RANGE_SIZE; msr++, rows++) {
                uint32_t first = msr, last = policy_msrs_alike(&policy.plan, first);
                assert_in_range(last, first, bases[range] + MSR_RANGE_SIZE - 1);
                for (; msr < last; msr++) {
                    assert_int_equal(policy_msr_exits(&policy.plan, msr + 1, false),
                                     policy_msr_exits(&policy.plan, first, false));
                    assert_int_equal(policy_msr_exits(&policy.plan, msr + 1, true),
                                     policy_msr_exits(&policy.plan, first, true));
                    assert_int_equal(policy_msr_answer(&policy.plan, msr + 1),
                                     policy_msr_answer(&policy.plan, first));
                }
            }
        for (uint32_t port = 0; port < 0x10000; port++, rows++) {
            uint32_t first = port, last = policy_ports_alike(&policy.plan, (uint16_t)first);
            assert_in_range(last, first, 0xffff);
            for (; port < last; port++) {
                assert_int_equal(policy_io_exits(&policy.plan, port + 1, 1),
                                 policy_io_exits(&policy.plan, first, 1));
                assert_int_equal(policy_port_answer(&policy.plan, (uint16_t)(port + 1)),
                                 policy_port_answer(&policy.plan, (uint16_t)first));
            }
        }
        assert_true(rows < 30 + 2u * 5 * (unsigned)round); /* no more than there are */
    }
}

static void expect_file_refused(const struct policy_file *file, size_t size, const char *word)
{
    struct policy policy;
    char *error;
    assert_int_equal(policy_file_read(file, size, &policy, &error), -1);
    if (!strstr(error, word))
        fail_msg("'%s' does not say '%s'", error, word);
    free(error);
}

static void damaged_files(void **unused)
{
    struct policy policy;
    (void)unused;
    compile("control hlt-exiting on", &policy);
    const struct policy_file good = policy_file_make(&policy);
    struct policy_file bad;

    assert_true(policy_file_is(&good, sizeof(good)));
    assert_false(policy_file_is("default msr passthrough", 23));
    assert_false(policy_file_is(&good, 7));
    expect_file_refused(&good, 8, "ends in its header");
    expect_file_refused(&good, sizeof(good) - 1, "bytes");
    expect_file_refused(&good, 16, "bytes");
#define BAD(field, value, word)                       \
    do {                                              \
        bad = good;                                   \
        bad.field = (value);                          \
        expect_file_refused(&bad, sizeof(bad), word); \
    } while (0)
    BAD(version, PLAN_VERSION + 1, "another version");
    BAD(probe_level, PROBE_LEVELS_PLAIN, "probe level");
    BAD(plan.name[0], '\0', "no name");
    BAD(plan.name[0], '/', "no name");
    BAD(plan.name[PLAN_NAME_SIZE - 1], 'x', "no rule can say");
    BAD(plan.cpuid[3].output, 4, "output of CPUID");
    BAD(plan.cpuid[3].bits, 1, "no rule can say"); /* behind places that are free */
    BAD(plan.primary.set, 1u << 28, "no rule can say");
    BAD(plan.primary.clear, 1u << 7, "no rule can say"); /* on and off */
    BAD(plan.exception_bitmap, 1u << 2, "no rule can say");
    BAD(plan.msr_bitmap[0x600 / 8], 0xfe, "cannot pass through"); /* IA32_DS_AREA, read */
    bad = good;
    memset(bad.plan.name, 'x', sizeof(bad.plan.name));
    expect_file_refused(&bad, sizeof(bad), "does not end");
}

/* Any bytes changed: refused in words, or a policy that text can say. */
static void random_damage_does_no_harm(void **unused)
{
    uint64_t state = 11;
    struct policy policy, read;
    (void)unused;
    compile("control hlt-exiting on\nhide cpuid mce\nemulate io com1", &policy);
    const struct policy_file good = policy_file_make(&policy);
    for (int round = 0; round < 600; round++) {
        struct policy_file bad = good;
        char *error = NULL;
        uint32_t limit = round % 2 ? sizeof(bad) : offsetof(struct policy_file, plan.msr_bitmap);
        for (uint32_t bytes = 1 + random_below(&state, 4); bytes > 0; bytes--)
            ((uint8_t *)&bad)[random_below(&state, limit)] ^= (uint8_t)random_below(&state, 256);
        size_t size = random_below(&state, 8) ? sizeof(bad) : random_below(&state, sizeof(bad));
        if (policy_file_read(&bad, size, &read, &error) < 0)
            assert_true(error && *error);
        else
            there_and_back(&read);
        free(error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_texts),  cmocka_unit_test(random_plans),
        cmocka_unit_test(words),         cmocka_unit_test(rows_are_alike),
        cmocka_unit_test(damaged_files), cmocka_unit_test(random_damage_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
