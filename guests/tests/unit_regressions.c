/* SPDX-License-Identifier: MIT */
/* Defects of guests/image that the hosted tests found, or the reading for them. */
#include "blob_fixture.h"

#include <stdlib.h>

/* guest_memory.h: clears all below GUEST_BLOB_LIMIT. What one job left there is not the next's. */
static void memory_behind_the_blob_is_cleared(void **state)
{
    struct fixture_blob blob;
    char *memory = aligned_alloc(4096, GUEST_MEMORY_SIZE);
    uint64_t left = 0;
    (void)state;
    fixture_blob_make(&blob);
    memset(memory, 0xee, GUEST_MEMORY_SIZE);
    guest_memory_load(memory, &blob);
    for (uint64_t at = blob.header.memory_end; at < GUEST_BLOB_LIMIT; at++)
        left += memory[at] != 0;
    free(memory);
    assert_int_equal(left, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_behind_the_blob_is_cleared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
