/* SPDX-License-Identifier: MIT */
/*
 * What a policy lets a guest do to its host or neighbours, from policy_audit_list.h and
 * policy_audit_io_list.h. What the CPU answers from the virtual-APIC page does not count as passed.
 */
#ifndef EXITMETER_BENCH_POLICY_AUDIT_H
#define EXITMETER_BENCH_POLICY_AUDIT_H

#include "policy.h"

enum severity {
    SEVERITY_INFO,
    SEVERITY_LOW,
    SEVERITY_MEDIUM,
    SEVERITY_HIGH,
    SEVERITY_CRITICAL,
    SEVERITIES
};

extern const char *const severity_names[SEVERITIES];

struct audit_finding {
    enum severity severity;
    char *item; /* "msr 0x10 IA32_TIME_STAMP_COUNTER", "io 0xcf9 reset", "control ... off", "cr4 2
                   TSD" */
    const char *access; /* "r", "w", "rw"; "" of a control */
    const char *what;   /* it lets a guest do */
    const char *source;
};

/*
 * All that is found, worst first, and in the lists' order; *findings for audit_free(). An access
 * that passes and that no list knows is a finding too, of an MSR medium, of a port high. Returns
 * how many.
 */
size_t policy_audit(const struct plan_policy *plan, struct audit_finding **findings);

/* MSRs that pass under no policy, as by them the CPU writes to memory: core/vmx/msr_never_list.h.
 */
struct audit_never {
    uint32_t first, last;
    const char *names, *source;
};
extern const struct audit_never audit_never[];
extern const size_t audit_never_count;

void audit_free(struct audit_finding *findings, size_t count);

#endif
