/* SPDX-License-Identifier: MIT */
#include "row.h"

/* blob.lds */
extern const struct blob_row rows_start[];

/* Behind blob_enter: one phase of one row, and the word that it is done. */
_Noreturn void blob_main(uint64_t index, uint64_t code, uint64_t count);
_Noreturn void blob_main(uint64_t index, uint64_t code, uint64_t count)
{
    const struct blob_row *row = &rows_start[index];

    row_code *const phases[] = {
        [GUEST_CONTROL] = row->control, [GUEST_OP] = row->op, [GUEST_TWICE] = row->twice};

    if (code == GUEST_OTHER) {
        row->other();
    } else {
        if (row->setup)
            row->setup();
        phases[code]((struct sample *)GUEST_SAMPLES_BASE, count);
        if (row->teardown)
            row->teardown();
    }
    leave(HYPERCALL_PHASE_DONE, 0);
}
