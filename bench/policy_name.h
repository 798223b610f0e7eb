/* SPDX-License-Identifier: MIT */
/*
 * MSRs and I/O ports by name: msr_list.h, msr_model_list.h and port_list.h, read both ways.
 */
#ifndef EXITMETER_BENCH_POLICY_NAME_H
#define EXITMETER_BENCH_POLICY_NAME_H

#include <stddef.h>
#include <stdint.h>

/* What has numbers, and bits for them. */
enum number_space { NUMBERS_MSR, NUMBERS_IO, NUMBER_SPACES };

struct named_range {
    uint32_t first, last;
    const char *name;
};

#define NAME_RANGES_MAX 16u /* that one name stands for, at most */

/* The ranges of a name, whatever its case; returns how many, 0 if there is no such name. */
size_t name_ranges(enum number_space space, const char *name,
                   struct named_range ranges[NAME_RANGES_MAX]);

/* All of them, in the lists' order; of several names of one range the first is the one to show.
 * They stay. */
const struct named_range *name_table(enum number_space space, size_t *count);

/* Every name, some of them twice, for hints. They stay. */
const char *const *name_list(enum number_space space, size_t *count);

/* The name that stands for just these numbers, or NULL. */
const char *name_of_range(enum number_space space, uint32_t first, uint32_t last);

/*
 * For people: "0x1b IA32_APIC_BASE", "0x20-0x21 pic", "0x480-0x481 IA32_VMX_BASIC to
 * IA32_VMX_PINBASED_CTLS", "0x2000": the numbers, and what is there if that has a name; free() it.
 */
char *range_text(enum number_space space, uint32_t first, uint32_t last);

#endif
