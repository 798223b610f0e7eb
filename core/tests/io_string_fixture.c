/* SPDX-License-Identifier: MIT */
#include "io_string_fixture.h"

#include "../x86/control_registers.h"
#include "../x86/msr.h"

#include <string.h>

#define MOST 1024u /* elements an exit */

extern struct record simulated_record;

struct string_outcome string_outcome;

static const uint8_t string_pages[STRING_PAGES] = {
    5, 9, 6, WALK_HOLE, WALK_READ_ONLY, WALK_NO_EXECUTE, 7, 8};

static uint8_t model[WALK_PAGES][PAGE_SIZE];

/* Afresh for each exit: without paging, INS may write into them. */
static void make_tables(void)
{
    for (unsigned level = 1; level <= 3; level++) {
        memset(walk_page[level], 0, PAGE_SIZE);
        walk_entry(level, level == 3, (level + 1) * PAGE_SIZE | 0x67);
    }
    memset(walk_page[4], 0, PAGE_SIZE);
    for (unsigned i = 0; i < STRING_PAGES; i++)
        walk_entry(4, i, string_pages[i] * PAGE_SIZE | (i == STRING_NOT_PRESENT ? 0x66 : 0x67));
}

int string_setup(void **state)
{
    uint64_t seed = 3;
    exit_setup(state);
    walk_memory_make();
    for (unsigned page = 0; page < WALK_PAGES; page++)
        for (unsigned i = 0; walk_page[page] && i < PAGE_SIZE / 8; i++)
            walk_entry(page, i, random_bits(&seed));
    return 0;
}

int string_teardown(void **state)
{
    walk_memory_free();
    return simulated_cpu_teardown(state);
}

static uint64_t mask_of(unsigned address_size)
{
    return address_size == 0 ? 0xffff : address_size == 1 ? 0xffffffff : ~0ull;
}

static void prepare(const struct string_io *io)
{
    unsigned segment = io->in ? 0 : io->segment;
    bool is_long = io->mode == STRING_LONG;
    uint64_t linear = io->base + (io->index & mask_of(io->address_size));

    walk_mode_set(&(struct walk_mode){
        .cr0 = io->mode == STRING_REAL
                   ? 0
                   : CR0_PE | (is_long ? CR0_PG : 0) | (io->alignment & STRING_CR0_AM ? CR0_AM : 0),
        .cr3 = 0x1000,
        .cr4 = CR4_PAE,
        .efer = is_long ? EFER_LMA | EFER_LME : 0,
        .rflags = RFLAGS_FIXED | (io->down ? RFLAGS_DF : 0) |
                  (io->alignment & STRING_FLAGS_AC ? RFLAGS_AC : 0),
        .cpl = io->alignment & STRING_CPL_3 ? 3 : 0,
        .long_code = is_long,
    });
    for (unsigned i = 0; i < 6; i++) { /* the others are not to be looked at */
        exit_field((enum vmcs_field)(VMCS_GUEST_ES_BASE + 2 * i), 0xbad0000 + i);
        exit_field((enum vmcs_field)(VMCS_GUEST_ES_LIMIT + 2 * i), i);
    }
    exit_field((enum vmcs_field)(VMCS_GUEST_ES_BASE + 2 * segment), io->base);
    exit_field((enum vmcs_field)(VMCS_GUEST_ES_LIMIT + 2 * segment), io->limit);
    if (segment != 1 && segment != 2) /* those two the mode has set */
        exit_field((enum vmcs_field)(VMCS_GUEST_ES_ACCESS_RIGHTS + 2 * segment), io->rights);
    exit_field(VMCS_GUEST_LINEAR_ADDRESS, io->rights & 0x10000 ? 0x123456789abcdef0
                                          : is_long            ? linear
                                                               : (uint32_t)linear);
    exit_field(VMCS_EXIT_INSTRUCTION_INFO,
               0xfffc407f | io->address_size << 7 | (io->in ? 7 : io->segment) << 15);
    exit_field(VMCS_GUEST_RIP, EXIT_RIP);
    exit_field(VMCS_GUEST_INTERRUPTIBILITY, 0);
    exit_field(VMCS_ENTRY_INTERRUPTION_INFO, 0);
    exit_field(VMCS_ENTRY_EXCEPTION_ERROR_CODE, 0);
    make_tables();
    guest.ept = &walk_ept;
    guest.rcx = io->count;
    *(io->in ? &guest.rdi : &guest.rsi) = io->index;
    simulated_cpu.port_accesses = 0;
    simulated_cpu.port_value[STRING_PORT] = 0xd4c3b2a1;
    simulated_cpu.cr2 = 0;
    for (unsigned page = 0; page < WALK_PAGES; page++)
        if (walk_page[page])
            memcpy(model[page], walk_page[page], PAGE_SIZE);
}

/* The exception that an access of one byte in a segment raises, or -1. */
static int segment_fault(const struct string_io *io, uint64_t offset)
{
    uint32_t type = io->rights & 15;
    bool code = type & 8, down = !code && type & 4;
    int vector = !io->in && io->segment == 2 ? 12 : 13;

    if (io->mode == STRING_LONG)
        return -1;
    if (io->rights & 0x10000)
        return vector;
    if (io->mode == STRING_PROTECTED && (io->in ? code || !(type & 2) : code && !(type & 2)))
        return vector;
    if (down)
        return offset > io->limit && offset <= (io->rights & 0x4000 ? 0xffffffff : 0xffff) ? -1
                                                                                           : vector;
    return offset <= io->limit ? -1 : vector;
}

/* Where a byte is in the model, or NULL and why. */
static uint8_t *byte_at(const struct string_io *io, uint64_t linear, struct string_outcome *o)
{
    uint64_t physical = linear;

    if (io->mode == STRING_LONG) {
        uint64_t page = (linear - STRING_LINEAR) / PAGE_SIZE;
        if ((uint64_t)((int64_t)(linear << 16) >> 16) != linear) {
            o->vector = !io->in && io->segment == 2 ? 12 : 13;
            return NULL;
        }
        if (page >= STRING_PAGES || page == STRING_NOT_PRESENT) {
            o->vector = 14;
            o->error = (io->in ? 2 : 0) | (io->alignment & STRING_CPL_3 ? 4 : 0);
            o->address = linear;
            return NULL;
        }
        physical = string_pages[page] * PAGE_SIZE + linear % PAGE_SIZE;
    }
    if (!(walk_allows(physical) & (io->in ? EPT_WRITE : EPT_READ))) {
        o->stopped = "INS or OUTS with memory that EPT does not map";
        return NULL;
    }
    unsigned page =
        physical / PAGE_SIZE == WALK_FAR_PAGE ? WALK_FAR : (unsigned)(physical / PAGE_SIZE);
    return &model[page][physical % PAGE_SIZE];
}

/* Moves one element in the model; false if it cannot be. */
static bool move(const struct string_io *io, uint64_t offset, struct string_outcome *o)
{
    uint8_t *byte[4];
    uint32_t value = 0, mask = io->mode == STRING_LONG ? 0 : UINT32_MAX;

    for (unsigned i = 0; i < io->size && o->vector < 0; i++)
        o->vector = segment_fault(io, offset + i);
    if (o->vector < 0 && io->alignment == STRING_ALIGNED && (io->base + offset) % io->size)
        o->vector = 17;
    for (unsigned i = 0; i < io->size && o->vector < 0 && !o->stopped; i++) {
        uint64_t linear = io->base + offset + i;
        byte[i] = byte_at(io, mask ? linear & mask : linear, o);
    }
    if (o->vector >= 0 || o->stopped)
        return false;
    for (unsigned i = 0; i < io->size; i++)
        if (io->in)
            *byte[i] = (uint8_t)(0xd4c3b2a1u >> 8 * i);
        else
            value |= (uint32_t)*byte[i] << 8 * i;
    const struct simulated_port_access *access = &simulated_cpu.port_log[o->moves++];
    assert_int_equal(access->port, STRING_PORT);
    assert_int_equal(access->bytes, io->size);
    assert_int_equal(access->write, !io->in);
    if (!io->in)
        assert_int_equal(access->value, value);
    return true;
}

static uint64_t set_part(uint64_t old, uint64_t value, unsigned address_size)
{
    return address_size == 0   ? (old & ~0xffffull) | (uint16_t)value
           : address_size == 1 ? (uint32_t)value
                               : value;
}

static struct string_outcome run_model(const struct string_io *io)
{
    struct string_outcome o = {.vector = -1};
    uint64_t *index = io->in ? &expected.rdi : &expected.rsi;
    uint64_t mask = mask_of(io->address_size), left = io->rep ? io->count & mask : 1;

    while (left && o.moves < MOST && move(io, *index & mask, &o)) {
        *index = set_part(*index, *index + (io->down ? -(uint64_t)io->size : io->size),
                          io->address_size);
        if (io->rep)
            expected.rcx = set_part(expected.rcx, expected.rcx - 1, io->address_size);
        left--;
    }
    o.done = !left;
    o.outcome = o.stopped ? EXIT_STOP : EXIT_RESUME;
    return o;
}

void string_take(const struct string_io *io)
{
    uint64_t qualification = (io->size - 1) | (io->in ? 8 : 0) | 0x10 | (io->rep ? 0x20 : 0) |
                             (uint64_t)STRING_PORT << 16;
    prepare(io);
    simulated_record.rip = 0;
    enum exit_outcome outcome = exit_take(EXIT_REASON_IO, qualification);
    struct string_outcome o = string_outcome = run_model(io);

    assert_int_equal(simulated_cpu.port_accesses, o.moves);
    assert_int_equal(outcome, o.outcome);
    if (o.done)
        expect_field(VMCS_GUEST_RIP, EXIT_RIP + EXIT_LENGTH);
    if (o.vector >= 0) {
        bool has_error = io->mode != STRING_REAL;
        expect_field(VMCS_ENTRY_INTERRUPTION_INFO,
                     0x80000300 | (has_error ? 0x800 : 0) | (unsigned)o.vector);
        expect_field(VMCS_ENTRY_EXCEPTION_ERROR_CODE, o.error);
    }
    assert_int_equal(simulated_cpu.cr2, o.vector == 14 ? o.address : 0);
    if (o.stopped)
        assert_string_equal(guest.stop.text, o.stopped);
#ifdef PROBE_COUNTING
    assert_int_equal(simulated_record.rip, EXIT_RIP);
#endif
    expect_unchanged();
    for (unsigned page = 0; page < WALK_PAGES; page++)
        if (walk_page[page])
            assert_memory_equal(walk_page[page], model[page], PAGE_SIZE);
}
