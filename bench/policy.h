/* SPDX-License-Identifier: MIT */
/*
 * Policies: text on the host, bitmaps and control bits for the image (struct plan_policy).
 *
 * One rule a line, '#' starts a comment, later rules win over earlier ones, and a policy starts
 * out with everything intercepted but exceptions and control registers, which pass:
 *
 *   default msr|io|exception|cr0|cr4 passthrough|intercept
 *                                                every MSR that has bits, port, exception, bit
 *   intercept|passthrough msr N[-M]|NAME [r|w|rw]
 *                                                rw if left out; NAME as the SDM has it
 *   intercept|passthrough io N[-M]|NAME          NAME as com1, pic: see port_list.h
 *   intercept|passthrough exception N[-M]|NAME   NAME as in the SDM, in lower case: ud, bp, pf
 *   intercept|passthrough cr0|cr4 N[-M]          writes that change bit N; what VMX operation asks
 *                                                for exits whatever this says
 *   forward msr|io N[-M]|NAME                    what an access that exits comes to: it goes to the
 *                                                hardware, which is how a policy starts,
 *   emulate msr|io N[-M]|NAME                    or it meets nothing: an MSR reads as 0, a port as
 *                                                ones, and what is written is lost,
 *   refuse msr N[-M]|NAME                        or it is #GP
 *   unclaimed io forward|ones                    forward or emulate io 0-0xffff
 *   control NAME on|off|where-offered            a VM-execution control; see policy_control.h
 *   hide cpuid NAME                              a feature of CPUID; see policy_cpuid.c
 *   hide cpuid LEAF[:SUBLEAF] OUTPUT BIT[-BIT]   bits of eax, ebx, ecx or edx, by number
 *   probes off|counts|stamps|full                probe level of the measured phases
 *
 * What the core itself keeps for the guest, as IA32_EFER and its local APIC's registers, is neither
 * forwarded nor emulated by these; it can be refused. Numbers are as in C, hexadecimal, octal or
 * decimal; names of MSRs and ports have no case, and may stand for several ranges. NMIs (2) and
 * machine checks (18) exit always.
 */
#ifndef EXITMETER_BENCH_POLICY_H
#define EXITMETER_BENCH_POLICY_H

#include "../guests/plan.h"
#include "files.h"

#include <stdbool.h>

struct policy {
    struct plan_policy plan;
    unsigned probe_level;     /* PROBE_* bits; PROBE_FULL if the text does not say */
    char sha256[SHA256_TEXT]; /* of controls and bitmaps, not of the name */
};

struct policy_error {
    unsigned line, column; /* from 1; 0 if the error has no place */
    char *message;         /* free() it */
};

/* Compiles size bytes of text. Returns 0, or -1 with the first error. */
int policy_compile(const char *name, const char *source, size_t size, struct policy *policy,
                   struct policy_error *error);

/*
 * Finds and compiles a policy: a path, of text or of a compiled policy (policy_file.h), if there is
 * a '/' or a '.' in it, else the name of one of the shipped. Returns 0, or -1 with a complete
 * message in *error; free() that.
 */
int policy_load(const char *name_or_path, struct policy *policy, char **error);

/* Names of the shipped policies, sorted; free() each and the list. */
char **policy_names(size_t *count);

/* What a shipped policy is, its file's first line being a comment that says so; free() it. */
char *policy_description(const char *name);

/* Levels by name: off, counts, stamps, full, hardware, pmu. -1 if there is none of that name. */
int probe_level_of(const char *name);
const char *probe_level_name(unsigned level);
extern const char *const probe_level_names[];

/* Those that need nothing else said, which are the first: "pmu" wants events. */
#define PROBE_LEVELS_PLAIN ((size_t)PROBE_PMU)

/* Whether the access exits under the bitmaps; SDM volume 3C, 25.6.4 and 25.6.9. */
bool policy_msr_exits(const struct plan_policy *policy, uint32_t msr, bool write);
bool policy_io_exits(const struct plan_policy *policy, uint32_t port, uint32_t width);
bool policy_exception_exits(const struct plan_policy *policy, unsigned vector);

#endif
