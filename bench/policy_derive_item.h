/* SPDX-License-Identifier: MIT */
/* Which rule of a policy decides on an exit, as policy_derive.h has them. */
#ifndef EXITMETER_BENCH_POLICY_DERIVE_ITEM_H
#define EXITMETER_BENCH_POLICY_DERIVE_ITEM_H

#include "policy_derive.h"

/* The item of such exits: kind, numbers, and if there is no rule, why; count and ticks are 0. */
struct derive_item derive_item_of(const struct derive_exits *exits);

/* Whether both are decided on by one rule. */
bool derive_item_is(const struct derive_item *a, const struct derive_item *b);

/* As tables and comments call it; free() it. */
char *derive_item_text(const struct derive_item *item);

/* Lets it pass. */
void derive_item_pass(struct plan_policy *plan, const struct derive_item *item);

/*
 * Why the item exits whatever the policy's bitmaps say, or has to; NULL if it need not. run: its
 * ports that the core keeps, and its policy.
 */
const char *derive_item_stays(const struct derive_item *item, const struct derive_run *run);

#endif
