/* SPDX-License-Identifier: MIT */
/*
 * A CPU made of arrays, in place of the instructions of x86/instructions.h. It does what the SDM
 * says of each instruction as far as the core relies on it; what would be a fault in the host, or a
 * habit the SDM warns of, is recorded, and simulated_cpu_teardown() fails the test for it.
 */
#ifndef EXITMETER_CORE_TESTS_SIMULATED_CPU_H
#define EXITMETER_CORE_TESTS_SIMULATED_CPU_H

#include "../x86/cpuid.h"
#include "simulated_extended.h"
#include "simulated_performance.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum vmx_failure {
    VMX_SUCCEED = 0,
    VMX_FAIL_INVALID = 1,
    VMX_FAIL_VALID = 2,
};

struct __attribute__((packed)) descriptor_table_register {
    uint16_t limit;
    uint64_t base;
};

struct invalidation_descriptor {
    uint64_t selector;
    uint64_t address;
};

/* VMX instructions, as counted and as made to fail. */
enum simulated_instruction {
    SIMULATED_VMXON,
    SIMULATED_VMXOFF,
    SIMULATED_VMCLEAR,
    SIMULATED_VMPTRLD,
    SIMULATED_VMREAD,
    SIMULATED_VMWRITE,
    SIMULATED_INVEPT,
    SIMULATED_INVVPID,
    SIMULATED_INSTRUCTIONS
};

struct simulated_msr {
    uint32_t index;
    bool read_only; /* WRMSR raises #GP */
    uint64_t value;
};

struct simulated_leaf {
    uint32_t leaf;
    uint32_t subleaf;
    struct cpuid_registers registers;
};

struct simulated_port_access {
    uint16_t port;
    uint8_t bytes;
    bool write;
    uint32_t value;
};

#define SIMULATED_VMCS_MAX   4
#define SIMULATED_CPUS_MAX   64
#define SIMULATED_MSRS_MAX   96
#define SIMULATED_LEAVES_MAX 48
#define SIMULATED_PORT_LOG   4096
#define SIMULATED_PORTS      0x10000

/* A field's place: its encoding without bit 0 (access type) and the reserved bits 15 and up. */
#define SIMULATED_FIELDS             0x4000
#define SIMULATED_FIELD_AT(encoding) ((encoding) >> 1 & (SIMULATED_FIELDS - 1))

struct simulated_vmcs {
    uint64_t physical; /* 0: this slot is free */
    bool active;       /* loaded since it was last cleared ... */
    uint32_t cpu;      /* ... on this CPU */
    bool launched;     /* the launch state; a test's VM entry sets it, VMCLEAR resets it */
    uint64_t fields[SIMULATED_FIELDS];
};

struct simulated_cpu {
    uint32_t number; /* simulated_cpu_number_set() */
    bool interrupts; /* RFLAGS.IF */
    uint64_t cr0, cr2, cr3, cr4, cr8;
    uint64_t dr[4], dr6;
    uint64_t dr6_clearable; /* bits of DR6 that newer CPUs can clear: 11, 16 */
    uint64_t xcr0;
    struct simulated_extended extended;
    uint64_t tsc;        /* grows by 1 at each RDTSC and RDTSCP */
    uint64_t counter[4]; /* RDPMC's, where there is no PMU */
    uint64_t random;     /* RDRAND's and RDSEED's next number ... */
    bool random_absent;  /* ... if there is one */
    unsigned rdrands, rdseeds, xsetbvs, wbinvds;
    uint16_t cs, ss, ds, es, fs, gs, tr;
    struct descriptor_table_register gdtr, idtr;

    struct simulated_msr msrs[SIMULATED_MSRS_MAX];
    size_t msr_count;
    unsigned rdmsrs, wrmsrs;
    struct simulated_accesses accesses;
    struct simulated_performance performance;

    struct simulated_leaf leaves[SIMULATED_LEAVES_MAX];
    size_t leaf_count;

    uint32_t port_value[SIMULATED_PORTS]; /* what IN reads; its low bytes for narrow ones */
    struct simulated_port_access port_log[SIMULATED_PORT_LOG];
    size_t port_accesses; /* those behind the end of the log are only counted */

    bool vmx_operation;
    uint64_t vmxon_region;
    struct simulated_vmcs vmcs[SIMULATED_VMCS_MAX];
    struct simulated_vmcs *current;
    unsigned executed[SIMULATED_INSTRUCTIONS];
    struct invalidation_descriptor invept, invvpid; /* of the last ones that succeeded ... */
    uint64_t invept_type, invvpid_type;             /* ... and their types */
    unsigned host_state_writes;                     /* VMWRITEs of the host-state area */
    struct {
        unsigned countdown; /* 1: the next one fails; 0: none will */
        enum vmx_failure failure;
        uint64_t error;
    } failing[SIMULATED_INSTRUCTIONS];
    struct {
        unsigned times;
        enum vmx_failure how; /* VMfailInvalid where there was no current VMCS */
        uint64_t field;       /* of VMREAD or VMWRITE */
        bool unchecked;       /* by x86_vmread() or x86_vmwrite() */
    } failed;                 /* as simulated_fail() said */

    unsigned faults;
    char first_fault[128];
};

extern struct simulated_cpu simulated_cpu;

/* A Haswell-like CPU outside VMX operation, VMX on in a locked IA32_FEATURE_CONTROL. */
void simulated_cpu_reset(void);

/*
 * From now on everything happens on the CPU of that number, with registers of its own. One that is
 * seen for the first time is like the one before it, but outside VMX operation. Memory with its
 * VMCSs is everyone's; a VMCS that is active on one CPU is not to be touched by another.
 */
void simulated_cpu_number_set(uint32_t number);

/* As before any second CPU was seen; simulated_cpu_reset() does it. */
void simulated_cpus_forget(void);

/* Records what a CPU would have punished. */
void simulated_fault(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* NULL if this CPU lacks the MSR. */
struct simulated_msr *simulated_msr(uint32_t index);
void simulated_msr_set(uint32_t index, uint64_t value);
void simulated_msr_remove(uint32_t index);

/* The leaf's registers, added as zeros if they were not there yet. */
struct cpuid_registers *simulated_leaf(uint32_t leaf, uint32_t subleaf);

/* The n-th instruction of that kind from now fails, in that way; simulated_cpu.failed is cleared.
 */
void simulated_fail(enum simulated_instruction instruction, unsigned n, enum vmx_failure failure,
                    uint64_t error);

/* Whether a VMCS has a field of that encoding; and the field of the current VMCS, unchecked. */
bool simulated_field_exists(uint64_t encoding);
uint64_t *simulated_field(uint32_t encoding);

/* Memory is about to be freed: a fault if the CPU still uses it, and its VMCS data is gone. */
void simulated_vmx_forget(uint64_t physical, uint64_t bytes);

/* A VMCS of the test's own, current, in VMX operation, with every field 0. */
void simulated_vmcs_current(void);

struct cpuid_registers x86_cpuid(uint32_t leaf, uint32_t subleaf);
void x86_cpuid_extended(uint32_t leaf, uint32_t subleaf, uint64_t *rax, uint64_t *rbx,
                        uint64_t *rcx, uint64_t *rdx);
uint64_t x86_rdtsc(void);
uint64_t x86_rdmsr(uint32_t msr);
void x86_wrmsr(uint32_t msr, uint64_t value);
bool x86_rdmsr_checked(uint32_t msr, uint32_t *low, uint32_t *high);
bool x86_wrmsr_checked(uint32_t msr, uint32_t low, uint32_t high);
uint64_t x86_rdtscp(uint32_t *aux);
bool x86_rdpmc_checked(uint32_t counter, uint32_t *low, uint32_t *high);
void x86_spin(uint32_t rounds);
uint64_t x86_xgetbv(uint32_t index);
bool x86_xsetbv_checked(uint32_t index, uint64_t value);
bool x86_rdrand(uint64_t *value);
bool x86_rdseed(uint64_t *value);
uint64_t x86_interrupts_off(void);
void x86_interrupts_restore(uint64_t flags);
void x86_wbinvd(void);
uint8_t x86_in8(uint16_t port);
uint16_t x86_in16(uint16_t port);
uint32_t x86_in32(uint16_t port);
void x86_out8(uint16_t port, uint8_t value);
void x86_out16(uint16_t port, uint16_t value);
void x86_out32(uint16_t port, uint32_t value);
uint64_t x86_read_cr0(void);
uint64_t x86_read_cr2(void);
uint64_t x86_read_cr3(void);
uint64_t x86_read_cr4(void);
uint64_t x86_read_cr8(void);
void x86_write_cr0(uint64_t value);
void x86_write_cr2(uint64_t value);
void x86_write_cr3(uint64_t value);
void x86_write_cr4(uint64_t value);
void x86_write_cr8(uint64_t value);
uint64_t x86_read_dr0(void);
uint64_t x86_read_dr1(void);
uint64_t x86_read_dr2(void);
uint64_t x86_read_dr3(void);
uint64_t x86_read_dr6(void);
void x86_write_dr0(uint64_t value);
void x86_write_dr1(uint64_t value);
void x86_write_dr2(uint64_t value);
void x86_write_dr3(uint64_t value);
void x86_write_dr6(uint64_t value);
uint16_t x86_read_tr(void);
uint16_t x86_read_cs(void);
uint16_t x86_read_ss(void);
uint16_t x86_read_ds(void);
uint16_t x86_read_es(void);
uint16_t x86_read_fs(void);
uint16_t x86_read_gs(void);
struct descriptor_table_register x86_read_gdtr(void);
struct descriptor_table_register x86_read_idtr(void);

enum vmx_failure x86_vmxon(uint64_t region);
void x86_vmxoff(void);
enum vmx_failure x86_vmclear(uint64_t region);
enum vmx_failure x86_vmptrld(uint64_t region);
uint64_t x86_vmread(uint64_t field);
void x86_vmwrite(uint64_t field, uint64_t value);
enum vmx_failure x86_vmread_checked(uint64_t field, uint64_t *value);
enum vmx_failure x86_vmwrite_checked(uint64_t field, uint64_t value);
enum vmx_failure x86_invept(uint64_t type, struct invalidation_descriptor what);
enum vmx_failure x86_invvpid(uint64_t type, struct invalidation_descriptor what);

#endif
