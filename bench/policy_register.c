/* SPDX-License-Identifier: MIT */
#include "policy_register.h"

#include "../core/x86/control_registers.h"

const char *const register_names[POLICY_REGISTERS] = {"cr0", "cr4"};

static const char *const bit_names[POLICY_REGISTERS][32] = {
    [REGISTER_CR0] = {[0] = "PE",
                      "MP",
                      "EM",
                      "TS",
                      "ET",
                      "NE",
                      [16] = "WP",
                      [18] = "AM",
                      [29] = "NW",
                      "CD",
                      "PG"},
    [REGISTER_CR4] = {[0] = "VME",         "PVI",   "TSD",     "DE",   "PSE",
                      [5] = "PAE",         "MCE",   "PGE",     "PCE",  "OSFXSR",
                      [10] = "OSXMMEXCPT", "UMIP",  "LA57",    "VMXE", "SMXE",
                      [16] = "FSGSBASE",   "PCIDE", "OSXSAVE", "KL",   "SMEP",
                      [21] = "SMAP",       "PKE",   "CET",     "PKS",  "UINTR"},
};

uint32_t policy_register_mask(const struct plan_policy *policy, enum policy_register of)
{
    return of == REGISTER_CR0 ? policy->cr0_mask : policy->cr4_mask;
}

uint32_t register_always_exits(enum policy_register of)
{
    return of == REGISTER_CR0 ? CR0_NE | CR0_NW | CR0_CD : CR4_VMXE | CR4_SMXE;
}

const char *register_bit_name(enum policy_register of, unsigned bit)
{
    return bit < 32 ? bit_names[of][bit] : NULL;
}

bool bits_in_a_row(uint32_t bits, unsigned *first, unsigned *last)
{
    while (*first < 32 && !(bits >> *first & 1))
        ++*first;
    *last = *first;
    while (*last < 31 && bits >> (*last + 1) & 1)
        ++*last;
    return *first < 32;
}
