/* SPDX-License-Identifier: MIT */
/*
 * Long runs: a phase that is run in several rounds keeps the samples and records of its last, and
 * folds those of every round, the last included, into histograms and sums.
 */
#ifndef EXITMETER_GUESTS_IMAGE_FOLD_H
#define EXITMETER_GUESTS_IMAGE_FOLD_H

#include "../results.h"

/*
 * Adds a round: its samples, and the records of its packet, which may be NULL (a phase without
 * records). discarded: exits that found no room in the packet. The time stamps of a round must all
 * be later than those of the rounds before; what is not is counted as out of order.
 */
void fold_round(struct phase_folded *folded, const struct sample *samples, uint32_t sample_count,
                const struct packet_header *packet, uint32_t records, uint64_t discarded);

#endif
