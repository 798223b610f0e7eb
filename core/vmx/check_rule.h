/* SPDX-License-Identifier: MIT */
/*
 * Rules of VM entry as data: a field, the facts that must hold for the rule to apply, and what the
 * field's value must then satisfy. For the check_*.c files alone.
 */
#ifndef EXITMETER_CORE_VMX_CHECK_RULE_H
#define EXITMETER_CORE_VMX_CHECK_RULE_H

#include "check.h"

#include <stddef.h>

enum fact {
#define FACT(symbol, field, mask, value) FACT_##symbol,
#include "check_fact_list.h"
#undef FACT
    FACTS
};
_Static_assert(FACTS <= 64, "a fact is a bit of 64");

/* A set of one fact, for rules; ALWAYS and NEVER are the empty one, by how they read. */
#define IF(symbol) (1ull << FACT_##symbol)
#define ALWAYS     0
#define NEVER      0

struct check {
    const struct vmx_capability *capability;
    uint64_t facts;
    unsigned physical_width; /* bits of an address; CPUID 80000008H */
    unsigned linear_width;
    int segment; /* register at hand, in the order ES CS SS DS FS GS LDTR TR; else 0 */
};

/* Whether the value is as the rule wants it; what the operand means is its own affair. */
typedef bool rule_want(const struct check *check, uint64_t value, uint64_t operand);

struct rule {
    enum vmcs_field field; /* of a segment register: ES's */
    uint64_t when;         /* applies if all of these hold ... */
    uint64_t unless;       /* ... and none of these */
    rule_want *want;
    uint64_t operand;
    const char *text;
};

/* True if none is broken; else false, with *fault filled from the first that is. */
bool check_rules(const struct check *check, const struct rule *rules, size_t count,
                 struct vmcs_fault *fault);
#define CHECK_RULES(check, rules, fault) \
    check_rules(check, rules, sizeof(rules) / sizeof((rules)[0]), fault)

/* Value of a field of the current VMCS; 0 where this CPU lacks it. */
uint64_t check_field(enum vmcs_field field);

/* The areas; each as check_rules(). */
bool check_controls(const struct check *check, struct vmcs_fault *fault);
bool check_transitions(const struct check *check, struct vmcs_fault *fault);
bool check_host(const struct check *check, struct vmcs_fault *fault);
bool check_guest(const struct check *check, struct vmcs_fault *fault);
bool check_segments(const struct check *check, struct vmcs_fault *fault);
bool check_non_register(const struct check *check, struct vmcs_fault *fault);

/* What several areas want. Operand: a mask, a value, or none. */
rule_want wants_clear;     /* bits of the mask are 0 */
rule_want wants_set;       /* bits of the mask are 1 */
rule_want wants_equal;     /* is the operand */
rule_want wants_not_zero;  /* ... */
rule_want wants_address;   /* bits of the mask are 0, and those beyond the physical-address width */
rule_want wants_canonical; /* the same sign from the linear-address width up */
rule_want wants_rip;       /* bits beyond the linear-address width are identical */
rule_want wants_cr3;       /* no bits beyond the physical-address width, but for LAM's */
rule_want wants_cr4;       /* what the capability fixes */
rule_want wants_pat;       /* eight memory types that there are */
rule_want wants_efer;      /* no reserved bits */
rule_want wants_perf_global_ctrl;
rule_want wants_s_cet;
rule_want wants_settings; /* control bits as the capability MSR has them; operand: their group */

#endif
