/* SPDX-License-Identifier: MIT */
/*
 * MSRs that hold a part of what some events count: MSR_OFFCORE_RSP_0 and _1, MSR_PEBS_FRONTEND (SDM
 * Vol. 4, and Vol. 3B 20.3). No others are written for an event. For performance.c alone.
 */
#ifndef EXITMETER_CORE_VMX_PERFORMANCE_EXTRA_H
#define EXITMETER_CORE_VMX_PERFORMANCE_EXTRA_H

#include "performance_counter.h"

/* Why the event's extra MSR cannot be written; NULL if it can, or the event has none. */
const char *performance_extra_refuses(const struct performance_event *event);

/*
 * Saves the event's extra MSR, writes it and reads it back; nothing if it has none or another event
 * has had the same written. False, and *fault says why, if that failed or the MSR holds another
 * value for another event.
 */
bool performance_extra_set(struct performance *performance, const struct performance_event *event,
                           struct performance_fault *fault);

/* Puts back all that were saved; false, and the first *fault, if a write raised #GP. */
bool performance_extra_put_back(struct performance *performance, struct performance_fault *fault);

#endif
