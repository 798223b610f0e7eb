/* SPDX-License-Identifier: MIT */
/* Rows that take another page each sample: how many there are, and the large ones to map. */
#ifndef EXITMETER_GUESTS_IMAGE_LARGE_PAGES_H
#define EXITMETER_GUESTS_IMAGE_LARGE_PAGES_H

#include "room.h"

/*
 * Gives the room the region of large pages that the row wants, if any, on demand and with memory
 * behind it. NULL, or why the job cannot be run, in words; then there is nothing to take away.
 */
const char *large_pages_provide(struct room *room, const struct blob_row *row,
                                const struct plan_job *job);

/* Takes region and memory away again, if there are any. */
void large_pages_withdraw(struct room *room);

#endif
