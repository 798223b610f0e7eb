/* SPDX-License-Identifier: MIT */
/* What the CPU finds wrong with an entry: EPT misconfigurations, SDM Vol. 3C 29.3.3.1. */
#ifndef EXITMETER_CORE_VMX_EPT_CHECK_H
#define EXITMETER_CORE_VMX_EPT_CHECK_H

#include "ept.h"

struct ept_fault {
    int level;        /* 3 PML4, 2 page-directory-pointer table, 1 page directory, 0 page table */
    uint64_t entry;   /* its value */
    const char *text; /* the level and what is wrong; a static string */
};

/*
 * Goes down the tables to guest_physical as the CPU does. True if an entry there is misconfigured;
 * else false, and *fault is the last entry reached.
 */
bool ept_misconfigured(const struct ept *ept, uint64_t guest_physical, struct ept_fault *fault);

#endif
