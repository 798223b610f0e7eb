/* SPDX-License-Identifier: MIT */
/* A derived policy as text: its rules, and in comments why each is there. */
#ifndef EXITMETER_BENCH_POLICY_DERIVE_TEXT_H
#define EXITMETER_BENCH_POLICY_DERIVE_TEXT_H

#include "policy_derive.h"

/* Of what has been judged and predicted; free() it. */
char *policy_derive_text(const struct derive_run *run, const struct derived *derived);

/* "high: sets the host's timer [SDM ...]", "nothing is known against it"; free() it. */
char *derive_why(const struct derive_item *item);

#endif
