/* SPDX-License-Identifier: MIT */
/* The image's page allocator, on memory that really lies at low addresses. */
#include "tests.h"

#include "../boot/memory.h"

#include <string.h>
#include <sys/mman.h>

#define BASE  0x10000000ull /* of the process, below the sanitizer's shadow */
#define PAGES 1024u

void *boot_platform_pages_allocate(size_t count, uint64_t alignment);
void boot_platform_pages_free(void *pages, size_t count);
uint64_t boot_platform_physical(const void *address);
void *boot_platform_at(uint64_t physical);

#define allocate boot_platform_pages_allocate
#define release  boot_platform_pages_free

#define PAGE(n) (BASE + (n)*PAGE_SIZE)

static struct boot_information machine;

static int map_memory(void **state)
{
    (void)state;
    void *at = mmap((void *)BASE, PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    return at == (void *)BASE ? 0 : -1;
}

static int unmap_memory(void **state)
{
    (void)state;
    return munmap((void *)BASE, PAGES * PAGE_SIZE);
}

static const char *start(struct memory_range usable, const struct memory_range *taken, size_t count)
{
    machine = (struct boot_information){.usable = {usable}, .usable_count = 1};
    memset((void *)BASE, 0xee, PAGES * PAGE_SIZE);
    return memory_start(&machine, taken, count);
}

/* What memory_start() chose, found by taking all of it page by page. */
static struct memory_range chosen(void)
{
    static char *pages[PAGES + 1];
    size_t count = 0;
    while (count <= PAGES && (pages[count] = allocate(1, PAGE_SIZE)))
        count++;
    assert_in_range(count, 1, PAGES);
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(pages[i], pages[0] + i * PAGE_SIZE);
        release(pages[i], 1);
    }
    return (struct memory_range){(uintptr_t)pages[0], (uintptr_t)pages[0] + count * PAGE_SIZE};
}

static void expect_chosen(uint64_t first, uint64_t behind)
{
    struct memory_range range = chosen();
    assert_int_equal(range.start, PAGE(first));
    assert_int_equal(range.end, PAGE(behind));
}

static void nothing_taken(void **state)
{
    (void)state;
    assert_null(start((struct memory_range){PAGE(0), PAGE(16)}, NULL, 0));
    expect_chosen(0, 16);
}

static void free_pages_are_counted(void **state)
{
    (void)state;
    assert_null(start((struct memory_range){PAGE(0), PAGE(16)}, NULL, 0));
    assert_int_equal(memory_free_pages(), 16);
    simulated_cpu.interrupts = true; /* off while the lock is held, and on again */
    void *three = allocate(3, PAGE_SIZE);
    void *eight = allocate(8, 8 * PAGE_SIZE);
    assert_null(allocate(6, PAGE_SIZE));
    assert_int_equal(memory_free_pages(), 5);
    release(three, 3);
    release(NULL, 4);
    assert_int_equal(memory_free_pages(), 8);
    release(eight, 8);
    assert_int_equal(memory_free_pages(), 16);
    assert_true(simulated_cpu.interrupts);
}

static void the_larger_part(void **state)
{
    const struct memory_range whole = {PAGE(0), PAGE(100)};
    static const struct {
        struct memory_range taken;
        uint64_t first, behind;
    } cases[] = {
        {{PAGE(0), PAGE(30)}, 30, 100},
        {{PAGE(70), PAGE(100)}, 0, 70},
        {{PAGE(20), PAGE(30)}, 30, 100},
        {{PAGE(60), PAGE(61)}, 0, 60},
        {{PAGE(99), PAGE(300)}, 0, 99},
        {{0, PAGE(1)}, 1, 100},
        {{0, PAGE(0)}, 0, 100},
        {{PAGE(100), PAGE(120)}, 0, 100},
        {{PAGE(10) + 1, PAGE(10) + 2}, 11, 100},
        {{PAGE(90) - 1, PAGE(91)}, 0, 89},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_null(start(whole, &cases[i].taken, 1));
        expect_chosen(cases[i].first, cases[i].behind);
    }
}

static void several_taken(void **state)
{
    static const struct memory_range taken[] = {
        {PAGE(5), PAGE(6)}, {PAGE(80), PAGE(90)}, {PAGE(40), PAGE(41)}};
    (void)state;
    assert_null(start((struct memory_range){PAGE(0), PAGE(100)}, taken, COUNT_OF(taken)));
    expect_chosen(41, 80);
}

static void the_largest_of_several_ranges(void **state)
{
    (void)state;
    machine = (struct boot_information){
        .usable = {{0, 0x9f000}, {PAGE(0), PAGE(10)}, {PAGE(20), PAGE(60)}, {PAGE(70), PAGE(90)}},
        .usable_count = 4,
    };
    assert_null(memory_start(&machine, NULL, 0));
    expect_chosen(20, 60);
}

static void nothing_left(void **state)
{
    static const struct memory_range all = {0, PAGE(200)};
    (void)state;
    assert_string_equal(start((struct memory_range){PAGE(0), PAGE(100)}, &all, 1),
                        "no usable memory above 1 MiB");
    assert_null(allocate(1, PAGE_SIZE));
    assert_string_equal(start((struct memory_range){0, 0x100000}, NULL, 0),
                        "no usable memory above 1 MiB");
    machine.usable_count = 0;
    assert_string_equal(memory_start(&machine, NULL, 0), "no usable memory above 1 MiB");
}

static void first_fit_zeroed(void **state)
{
    (void)state;
    assert_null(start((struct memory_range){PAGE(0), PAGE(16)}, NULL, 0));
    char *a = allocate(3, PAGE_SIZE), *b = allocate(2, PAGE_SIZE), *c = allocate(1, PAGE_SIZE);
    assert_ptr_equal(a, PAGE(0));
    assert_ptr_equal(b, PAGE(3));
    assert_ptr_equal(c, PAGE(5));
    for (size_t i = 0; i < 6 * PAGE_SIZE; i++)
        assert_int_equal(a[i], 0);
    memset(b, 1, 2 * PAGE_SIZE);
    release(b, 2);
    assert_ptr_equal(allocate(3, PAGE_SIZE), PAGE(6)); /* the gap is too small */
    assert_ptr_equal(allocate(1, PAGE_SIZE), PAGE(3));
    assert_ptr_equal(allocate(1, PAGE_SIZE), PAGE(4));
    for (size_t i = 0; i < 2 * PAGE_SIZE; i++)
        assert_int_equal(b[i], 0); /* zeroed again */
    release(NULL, 1);
    release((void *)PAGE(0), 9);
}

static void alignment(void **state)
{
    (void)state;
    assert_null(start((struct memory_range){PAGE(1), PAGE(1000)}, NULL, 0));
    assert_ptr_equal(allocate(2, 8 * PAGE_SIZE), PAGE(8));
    assert_ptr_equal(allocate(1, 8 * PAGE_SIZE), PAGE(16));
    assert_ptr_equal(allocate(1, PAGE_SIZE), PAGE(1));
    assert_ptr_equal(allocate(1, 0x200000), PAGE(512));
    assert_null(allocate(1, 0x40000000));
    release((void *)PAGE(8), 2);
    release((void *)PAGE(16), 1);
    release((void *)PAGE(1), 1);
    release((void *)PAGE(512), 1);
}

/* The pool is 2 GiB at most, however much there is. */
static void more_than_is_managed(void **state)
{
    (void)state;
    assert_null(start((struct memory_range){PAGE(0), PAGE(0) + (4ull << 30)}, NULL, 0));
    assert_null(allocate((1u << 19) + 1, PAGE_SIZE));
    assert_null(allocate(1u << 20, PAGE_SIZE));
    assert_ptr_equal(allocate(1, PAGE_SIZE), PAGE(0));
    release((void *)PAGE(0), 1);
}

static void exactly_full(void **state)
{
    (void)state;
    assert_null(start((struct memory_range){PAGE(0), PAGE(8)}, NULL, 0));
    assert_null(allocate(9, PAGE_SIZE));
    void *all = allocate(8, PAGE_SIZE);
    assert_ptr_equal(all, PAGE(0));
    assert_null(allocate(1, PAGE_SIZE));
    release(all, 8);
    assert_ptr_equal(allocate(8, PAGE_SIZE), all);
    release(all, 8);
}

/* Random use against an array of pages. */
static void random_use(void **state)
{
    struct {
        uint64_t first, count;
    } held[40] = {{0, 0}};
    uint8_t used[512] = {0};
    uint64_t seed = 7;
    (void)state;
    assert_null(start((struct memory_range){PAGE(3), PAGE(512)}, NULL, 0));
    for (int i = 0; i < 20000; i++) {
        unsigned slot = random_below(&seed, COUNT_OF(held));
        if (held[slot].count) {
            release((void *)PAGE(held[slot].first), held[slot].count);
            memset(used + held[slot].first, 0, held[slot].count);
            held[slot].count = 0;
            continue;
        }
        uint64_t count = 1 + random_below(&seed, 30), every = 1ull << random_below(&seed, 5);
        uint64_t first = (3 + every - 1) / every * every;
        while (first + count <= 512 && memchr(used + first, 1, count))
            first += every;
        char *pages = allocate(count, every * PAGE_SIZE);
        if (first + count > 512) {
            assert_null(pages);
            continue;
        }
        assert_ptr_equal(pages, PAGE(first));
        assert_int_equal(pages[0] | pages[count * PAGE_SIZE - 1], 0);
        pages[0] = pages[count * PAGE_SIZE - 1] = 1;
        memset(used + first, 1, count);
        held[slot].first = first;
        held[slot].count = count;
    }
    for (size_t i = 0; i < COUNT_OF(held); i++)
        if (held[i].count)
            release((void *)PAGE(held[i].first), held[i].count);
}

static void usable_or_not(void **state)
{
    (void)state;
    machine = (struct boot_information){.usable = {{0x1000, 0x3000}, {0x5000, 0x9000}},
                                        .usable_count = 2};
    assert_true(memory_is_usable(&machine, (struct memory_range){0x1000, 0x3000}));
    assert_true(memory_is_usable(&machine, (struct memory_range){0x6000, 0x7000}));
    assert_false(memory_is_usable(&machine, (struct memory_range){0x2000, 0x4000}));
    assert_false(memory_is_usable(&machine, (struct memory_range){0x2000, 0x6000}));
    assert_false(memory_is_usable(&machine, (struct memory_range){0, 0x2000}));
    assert_false(memory_is_usable(&machine, (struct memory_range){0x9000, 0xa000}));
    assert_int_equal(boot_platform_physical((void *)0x1234), 0x1234);
    assert_ptr_equal(boot_platform_at(0x1234), 0x1234);
}

/* Pages that the caller names, whatever the map says is larger. */
static void given_pages(void **state)
{
    (void)state;
    assert_null(start((struct memory_range){PAGE(0), PAGE(PAGES)}, NULL, 0));
    assert_non_null(allocate(1, PAGE_SIZE));
    memory_start_in((struct memory_range){PAGE(10), PAGE(14)});
    assert_int_equal(memory_free_pages(), 4);
    struct memory_range found = chosen();
    assert_int_equal(found.start, PAGE(10));
    assert_int_equal(found.end, PAGE(14));
}

/* A place for results: the end of the smallest stretch that is large enough. */
static void a_place_is_found(void **state)
{
    const struct memory_range taken[] = {{PAGE(40), PAGE(44)}, {0, 0}};
    struct memory_range found;
    (void)state;
    machine = (struct boot_information){.usable = {{PAGE(0), PAGE(100)}, {PAGE(200), PAGE(220)}},
                                        .usable_count = 2};
    found = memory_find(&machine, 10 * PAGE_SIZE, taken, 2);
    assert_int_equal(found.start, PAGE(210));
    assert_int_equal(found.end, PAGE(220));
    found = memory_find(&machine, 21 * PAGE_SIZE, taken, 2);
    assert_int_equal(found.start, PAGE(19));
    assert_int_equal(found.end, PAGE(40));
    found = memory_find(&machine, 56 * PAGE_SIZE, taken, 2);
    assert_int_equal(found.start, PAGE(44));
    assert_int_equal(found.end, PAGE(100));
    found = memory_find(&machine, 57 * PAGE_SIZE, taken, 2);
    assert_int_equal(found.start, found.end);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_taken),
        cmocka_unit_test(free_pages_are_counted),
        cmocka_unit_test(the_larger_part),
        cmocka_unit_test(several_taken),
        cmocka_unit_test(the_largest_of_several_ranges),
        cmocka_unit_test(nothing_left),
        cmocka_unit_test(first_fit_zeroed),
        cmocka_unit_test(more_than_is_managed),
        cmocka_unit_test(alignment),
        cmocka_unit_test(exactly_full),
        cmocka_unit_test(random_use),
        cmocka_unit_test(usable_or_not),
        cmocka_unit_test(given_pages),
        cmocka_unit_test(a_place_is_found),
    };
    return cmocka_run_group_tests(tests, map_memory, unmap_memory);
}
