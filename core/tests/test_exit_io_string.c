/* SPDX-License-Identifier: MIT */
#include "io_string_fixture.h"

/* Every width, direction, address size, with and without REP, over pages of each kind. */
static void long_mode(void **state)
{
    static const uint64_t starts[] = {0, 100, PAGE_SIZE - 40, PAGE_SIZE - 1, 3 * PAGE_SIZE - 66};
    (void)state;
    for (unsigned form = 0; form < 3 * 16 * COUNT_OF(starts); form++) {
        struct string_io io = {
            .mode = STRING_LONG,
            .size = 1u << form % 3,
            .in = form / 3 & 1,
            .rep = form / 6 & 1,
            .down = form / 12 & 1,
            .address_size = 1 + (form / 24 & 1),
            .segment = 3,
            .rights = 0xc093,
            .index = STRING_LINEAR + starts[form / 48] + (form / 48 == 0 && form / 12 & 1 ? 80 : 0),
            .count = 20,
        };
        string_take(&io);
        if (form / 48 < 4) {
            assert_true(string_outcome.done);
            assert_int_equal(string_outcome.moves, io.rep ? 20 : 1);
        }
    }
}

static void a_page_fault_in_the_middle(void **state)
{
    struct string_io io = {
        .mode = STRING_LONG,
        .size = 4,
        .in = true,
        .rep = true,
        .address_size = 2,
        .rights = 0xc093,
        .index = STRING_LINEAR + 6 * PAGE_SIZE - 42,
        .count = 100,
    };
    (void)state;
    string_take(&io); /* the 11th lies half in the page that is not there */
    assert_int_equal(string_outcome.vector, 14);
    assert_int_equal(string_outcome.error, 2);
    assert_int_equal(string_outcome.address, STRING_LINEAR + 6 * PAGE_SIZE);
    assert_int_equal(string_outcome.moves, 10);
    assert_int_equal(guest.rcx, 90);
    io.index = guest.rdi; /* and again, with what is left */
    io.count = guest.rcx;
    string_take(&io);
    assert_int_equal(string_outcome.vector, 14);
    assert_int_equal(string_outcome.moves, 0);
    assert_int_equal(guest.rcx, 90);
}

static void count_of_zero(void **state)
{
    struct string_io io = {.mode = STRING_LONG, .size = 1, .rep = true, .index = 0xdead0000};
    (void)state;
    for (io.address_size = 0; io.address_size < 3; io.address_size++) {
        static const uint64_t counts[] = {0xffffffffffff0000, 0xffffffff00000000, 0};
        io.count = counts[io.address_size];
        string_take(&io);
        assert_true(string_outcome.done);
        assert_int_equal(string_outcome.moves, 0);
        assert_int_equal(guest.rcx, io.count);
    }
}

/* A long one takes several exits, in each of which it has got on. */
static void bounded(void **state)
{
    struct string_io io = {
        .mode = STRING_LONG,
        .size = 2,
        .in = true,
        .rep = true,
        .address_size = 2,
        .rights = 0xc093,
        .index = STRING_LINEAR,
        .count = 2500,
    };
    (void)state;
    for (unsigned exit = 0; exit < 3; exit++) {
        string_take(&io);
        assert_int_equal(string_outcome.moves, exit < 2 ? 1024 : 452);
        assert_int_equal(string_outcome.done, exit == 2);
        io.index = guest.rdi;
        io.count = guest.rcx;
    }
    assert_int_equal(guest.rcx, 0);
    assert_int_equal(guest.rdi, STRING_LINEAR + 5000);
}

/* The shadow of an STI or MOV SS ends with the first part. */
static void shadow(void **state)
{
    struct string_io io = {
        .mode = STRING_LONG,
        .size = 1,
        .rep = true,
        .address_size = 2,
        .segment = 3,
        .rights = 0xc093,
        .index = STRING_LINEAR,
        .count = 1025,
    };
    (void)state;
    string_take(&io);
    for (uint64_t blocking = 0; blocking < 16; blocking++) {
        guest.rcx = 1025;
        guest.rsi = STRING_LINEAR;
        exit_field(VMCS_GUEST_INTERRUPTIBILITY, blocking);
        assert_int_equal(exit_take(EXIT_REASON_IO, 0x1f00030), EXIT_RESUME);
        assert_int_equal(*simulated_field(VMCS_GUEST_INTERRUPTIBILITY), blocking & 12);
        assert_int_equal(*simulated_field(VMCS_GUEST_RIP), EXIT_RIP);
        assert_int_equal(guest.rcx, 1);
    }
}

static void not_canonical(void **state)
{
    struct string_io io = {
        .mode = STRING_LONG,
        .size = 4,
        .address_size = 2,
        .rights = 0xc093,
    };
    (void)state;
    for (io.segment = 0; io.segment < 6; io.segment++) {
        io.index = 0x00007ffffffffffe;
        string_take(&io);
        assert_int_equal(string_outcome.vector, 14); /* the page before the gap is not there */
        io.index = 0x0000800000000000;
        string_take(&io);
        assert_int_equal(string_outcome.vector, io.segment == 2 ? 12 : 13);
    }
}

/* In 64-bit mode the linear address of an unusable segment is undefined; the base is not. */
static void unusable_in_long_mode(void **state)
{
    struct string_io io = {.mode = STRING_LONG, .size = 4, .address_size = 2, .rights = 0x10000};
    (void)state;
    for (io.segment = 0; io.segment < 6; io.segment++) {
        if (io.segment == 1 || io.segment == 2)
            continue;
        io.base = io.segment >= 4 ? STRING_LINEAR : 0;
        io.index = STRING_LINEAR + 16 - io.base;
        string_take(&io);
        assert_true(string_outcome.done);
    }
}

static void what_the_sdm_does_not_define(void **state)
{
    static const struct {
        uint64_t qualification;
        uint32_t info;
        bool info_is_wrong;
    } wrong[] = {
        {0x1f00012, 0x18100, false}, {0x1f00014, 0x18100, false}, {0x1f00017, 0x18100, false},
        {0x1f00010, 0x18180, true},  {0x1f00010, 0x18380, true},  {0x1f00010, 0x30100, true},
        {0x1f00030, 0x38100, true},  {0x1f00018, 0x00200, true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        exit_field(VMCS_EXIT_INSTRUCTION_INFO, wrong[i].info);
        assert_int_equal(exit_take(EXIT_REASON_IO, wrong[i].qualification), EXIT_STOP);
        if (wrong[i].info_is_wrong)
            expect_stop(STOP_UNHANDLED, wrong[i].info,
                        "INS or OUTS: instruction information the SDM does not define");
        else
            expect_stop(STOP_UNHANDLED, wrong[i].qualification, "I/O size the SDM does not define");
        expect_unchanged();
    }
    assert_int_equal(simulated_cpu.port_accesses, 0);
}

static uint64_t seed = 5;

static struct string_io random_io(void)
{
    static const uint32_t rights[] = {0xc093, 0xc093, 0x0093, 0xc091, 0xc097,
                                      0x0097, 0xc09b, 0xc099, 0xc09f, 0x10000};
    struct string_io io = {
        .mode = random_below(&seed, 3),
        .size = 1u << random_below(&seed, 3),
        .in = random_below(&seed, 2),
        .rep = random_below(&seed, 4),
        .down = random_below(&seed, 2),
        .address_size = random_below(&seed, 2),
        .segment = random_below(&seed, 6),
        .rights = rights[random_below(&seed, COUNT_OF(rights))],
        .count = random_below(&seed, 3000) | random_bits(&seed) << 32,
        .alignment = random_below(&seed, 8),
    };
    if (!io.in && (io.segment == 1 || io.segment == 2)) /* as walk_mode_set() has them */
        io.rights = (io.segment == 1 ? 0x9b : 0x93) |
                    (io.segment == 1 ? (io.mode == STRING_LONG ? 1u << 13 : 1u << 14) : 0) |
                    (io.segment == 2 && io.alignment & STRING_CPL_3 ? 3u << 5 : 0);
    if (io.mode == STRING_LONG) {
        io.address_size = 1 + random_below(&seed, 2);
        io.base = io.segment >= 4 && !io.in ? random_bits(&seed) & 0x7ff : 0;
        io.index = STRING_LINEAR + random_below(&seed, 8 * PAGE_SIZE) - io.base;
        if (io.address_size == 1)
            io.index |= random_bits(&seed) << 32;
        return io;
    }
    if (io.mode == STRING_REAL)
        io.alignment = 0;
    io.limit = random_below(&seed, 2)   ? 0xffff
               : random_below(&seed, 2) ? UINT32_MAX
                                        : random_below(&seed, 0x10000);
    io.base = random_below(&seed, 3) ? random_below(&seed, 0x4000) : 0xffffe000;
    io.index = random_below(&seed, 0x10000) | random_bits(&seed) << 32;
    if (random_below(&seed, 8) == 0)
        io.index |= 0xfffffff8;
    if (io.address_size == 0)
        io.index |= random_bits(&seed) << 16;
    return io;
}

static void random_ones(void **state)
{
    unsigned done = 0, partly = 0, stopped = 0, vectors[32] = {0};
    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        struct string_io io = random_io();
        string_take(&io);
        done += string_outcome.done;
        partly += !string_outcome.done && string_outcome.moves > 0;
        stopped += string_outcome.stopped != NULL;
        if (string_outcome.vector >= 0)
            vectors[string_outcome.vector]++;
    }
    assert_true(done > 2000 && partly > 2000 && stopped > 500);
    assert_true(vectors[12] > 50 && vectors[13] > 1000 && vectors[14] > 500 && vectors[17] > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        string_test(long_mode),
        string_test(a_page_fault_in_the_middle),
        string_test(count_of_zero),
        string_test(bounded),
        string_test(shadow),
        string_test(not_canonical),
        string_test(unusable_in_long_mode),
        string_test(what_the_sdm_does_not_define),
        string_test(random_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
