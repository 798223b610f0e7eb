/* SPDX-License-Identifier: MIT */
/* INS and OUTS where the vCPU has a table of ports. */
#include "ports_fixture.h"

/* Exit qualification, SDM Vol. 3C table 28-5. */
#define SIZE(bytes) ((uint64_t)(bytes)-1)
#define IN          (1ull << 3)
#define STRING      (1ull << 4)
#define REP         (1ull << 5)
#define PORT(port)  ((uint64_t)(port) << 16)

/* REP INS or OUTS of five elements, in 64-bit mode, over the end of a page. */
static struct string_io string_form(bool in, unsigned size)
{
    return (struct string_io){
        .mode = STRING_LONG,
        .size = size,
        .in = in,
        .rep = true,
        .address_size = 2,
        .segment = 3,
        .rights = 0xc093,
        .index = STRING_LINEAR + PAGE_SIZE - 2 * size - 1,
        .count = 5,
    };
}

/* The model of the fixture, which knows the hardware's ports only, in every width. */
static void strings_of_unclaimed_ports_forwarded(void **state)
{
    (void)state;
    assert_true(
        ports_add(&ports_table, STRING_PORT + 4, STRING_PORT + 4, ports_answer, &ports_first));
    assert_true(
        ports_add(&ports_table, STRING_PORT - 1, STRING_PORT - 1, ports_answer, &ports_first));
    for (unsigned form = 0; form < 6; form++) {
        struct string_io io = string_form(form & 1, 1u << form / 2);
        string_take(&io);
        assert_int_equal(string_outcome.moves, 5);
    }
    assert_int_equal(ports_call_count, 0);
}

/* The bytes at a linear address of the fixture's first two pages. */
static void bytes_at(uint64_t linear, void *to, size_t size)
{
    for (size_t i = 0; i < size; i++, linear++) {
        unsigned page = (linear - STRING_LINEAR) / PAGE_SIZE ? 9 : 5;
        ((uint8_t *)to)[i] = ((uint8_t *)walk_page[page])[linear % PAGE_SIZE];
    }
}

/* Leaves the guest at such an instruction, then takes its exit again with the table as it is. */
static enum exit_outcome take_string(bool in, unsigned size, uint64_t *index)
{
    struct string_io io = string_form(in, size);

    guest.ports = NULL;
    string_take(&io);
    guest.ports = &ports_table;
    guest.rcx = io.count;
    *index = io.index;
    *(in ? &guest.rdi : &guest.rsi) = io.index;
    exit_field(VMCS_GUEST_RIP, EXIT_RIP);
    exit_field(VMCS_ENTRY_INTERRUPTION_INFO, 0);
    ports_call_count = 0;
    simulated_cpu.port_accesses = 0;
    return exit_take(EXIT_REASON_IO, SIZE(size) | (in ? IN : 0) | STRING | REP | PORT(STRING_PORT));
}

static void strings_of_a_handler(void **state)
{
    (void)state;
    assert_true(ports_add(&ports_table, STRING_PORT, STRING_PORT + 3, ports_answer, &ports_first));
    for (unsigned form = 0; form < 12; form++) {
        unsigned size = 1u << form % 3;
        bool in = form / 3 & 1;
        uint64_t index;
        ports_result = form / 6 ? PORT_EVENTS : PORT_DONE;
        assert_int_equal(take_string(in, size, &index), form / 6 ? EXIT_EVENTS : EXIT_RESUME);
        expected.rcx = 0;
        *(in ? &expected.rdi : &expected.rsi) = index + 5 * size;
        expect_completed();
        assert_int_equal(ports_call_count, 5);
        assert_int_equal(simulated_cpu.port_accesses, 0);
        for (unsigned i = 0; i < 5; i++) {
            uint32_t element = 0, answered = PORTS_ANSWER;
            bytes_at(index + i * size, &element, size);
            expect_port_call(i, &ports_first, STRING_PORT, size, !in,
                             in ? ports_ones(size) : element);
            if (in)
                assert_memory_equal(&element, &answered, size);
        }
    }
}

static void strings_of_ones(void **state)
{
    (void)state;
    ports_table.ones = ports_every;
    for (unsigned form = 0; form < 6; form++) {
        unsigned size = 1u << form % 3;
        uint64_t index;
        assert_int_equal(take_string(form / 3, size, &index), EXIT_RESUME);
        assert_int_equal(simulated_cpu.port_accesses, 0);
        assert_int_equal(guest.rcx, 0);
        for (unsigned i = 0; form / 3 && i < 5; i++) {
            uint32_t element = 0;
            bytes_at(index + i * size, &element, size);
            assert_int_equal(element, ports_ones(size));
        }
    }
}

/* The guest stops on the element that is refused, those before it moved. */
static void a_string_that_is_refused(void **state)
{
    uint64_t index;
    (void)state;
    assert_true(ports_add(&ports_table, STRING_PORT, STRING_PORT + 3, ports_answer, &ports_first));
    for (int in = 0; in < 2; in++) {
        ports_refused_call = 3;
        assert_int_equal(take_string(in, 2, &index), EXIT_STOP);
        expected.rcx = 3;
        *(in ? &expected.rdi : &expected.rsi) = index + 4;
        expect_unchanged();
        assert_string_equal(guest.stop.text, "I/O port that refuses the access");
        assert_int_equal(ports_call_count, 3);
        for (unsigned i = 0; in && i < 5; i++) { /* behind it is what the hardware gave before */
            uint16_t element;
            bytes_at(index + i * 2, &element, 2);
            assert_int_equal(element, i < 2 ? (uint16_t)PORTS_ANSWER : 0xb2a1);
        }
    }
}

/* An event that a handler has made waits for event_prepare(), whatever the next element does. */
static void an_event_before_a_fault(void **state)
{
    struct string_io io = string_form(true, 4);
    (void)state;
    assert_true(ports_add(&ports_table, STRING_PORT, STRING_PORT + 3, ports_answer, &ports_first));
    io.index = STRING_LINEAR + STRING_NOT_PRESENT * PAGE_SIZE - 8;
    guest.ports = NULL;
    string_take(&io);
    assert_int_equal(string_outcome.moves, 2);
    guest.ports = &ports_table;
    for (int events = 0; events < 2; events++) {
        ports_result = events ? PORT_EVENTS : PORT_DONE;
        guest.rdi = io.index;
        guest.rcx = 5;
        exit_field(VMCS_GUEST_RIP, EXIT_RIP);
        exit_field(VMCS_ENTRY_INTERRUPTION_INFO, 0);
        assert_int_equal(exit_take(EXIT_REASON_IO, SIZE(4) | IN | STRING | REP | PORT(STRING_PORT)),
                         events ? EXIT_EVENTS : EXIT_RESUME);
        assert_int_equal(*simulated_field(VMCS_ENTRY_INTERRUPTION_INFO), 0x80000b0e);
        assert_int_equal(guest.rcx, 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ports_test(strings_of_unclaimed_ports_forwarded),
        ports_test(strings_of_a_handler),
        ports_test(strings_of_ones),
        ports_test(a_string_that_is_refused),
        ports_test(an_event_before_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
