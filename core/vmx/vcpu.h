/* SPDX-License-Identifier: MIT */
/*
 * The vCPU: a guest's registers, its VMCS, and the memory the exit path works on.
 *
 * A vCPU is one block of VCPU_BLOCK_PAGES pages: this struct at its end, and below it the stack
 * that handlers run on. HOST_RSP points just behind the frame, at rbp, so that the pushes of the
 * exit stub *are* the save, and RSP is then the address of the vCPU.
 */
#ifndef EXITMETER_CORE_VMX_VCPU_H
#define EXITMETER_CORE_VMX_VCPU_H

#include "control.h"
#include "cpuid_policy.h"
#include "ept.h"
#include "mmio.h"
#include "msr_area.h"
#include "msr_policy.h"
#include "ports.h"
#include "resident_state.h"
#include "stop.h"
#include "vmcs.h"

#include "../exits/local_apic.h"

#include <stdbool.h>
#include <stdint.h>

#define VCPU_BLOCK_PAGES 10u
#define CR3_TARGETS      4u /* that the VMCS has; a CPU may have fewer */

/* What waits for the guest to take it; event_prepare() injects one an entry. */
struct pending_events {
    uint64_t acknowledged[4]; /* external interrupts by vector */
    uint32_t interrupted; /* interruption information of a delivery to be injected again; 0: none */
    uint32_t error_code;  /* ... and its error code */
    uint32_t length;      /* ... and its instruction length */
    bool nmi;
    bool held; /* has_machine: an external interrupt waits in the hardware until it can be taken */
    bool halted; /* HLT: the guest is entered in that activity state until something wakes it */
};

#define VCPU_UNBOUND UINT32_MAX /* in place of a CPU number */

/* The host state that is in the VMCS, as far as it can be another next time. */
struct vcpu_host {
    uint32_t cpu; /* VCPU_UNBOUND: none yet */
    uint64_t cr0, cr3, cr4;
};

/*
 * A guest that has paging off on a CPU without "unrestricted guest", for which VM entry wants it
 * on: exits/unpaged.h says how it runs. What the guest reads of its registers is here then.
 */
struct unpaged {
    bool active;
    uint32_t policy;       /* the primary controls that running so overrules, as they were */
    uint64_t identity_map; /* guest-physical address of its page directory; 0: there is none */
    uint64_t cr3;
    uint64_t efer;
};

/* Which exit stub the VMCS's HOST_RIP names: the probe levels, and the floor. */
enum vcpu_path {
    VCPU_PATH_OFF = 0,      /* PROBE_OFF */
    VCPU_PATH_COUNTS = 1,   /* PROBE_COUNTS */
    VCPU_PATH_STAMPS = 2,   /* PROBE_STAMPS */
    VCPU_PATH_FULL = 3,     /* PROBE_FULL */
    VCPU_PATH_HARDWARE = 4, /* PROBE_HARDWARE, with vcpu_set_hardware_stamp() */
    VCPU_PATH_PMU = 5,      /* PROBE_PMU, with that too, and RDPMC's indexes in struct probe_cpu */
    VCPU_PATH_FLOOR = 6,    /* CPUID alone, by the shortest stub: entry.S says what it expects */
    VCPU_PATHS
};

/* What is written for a guest before it is entered. */
enum vcpu_part {
    VCPU_PART_POLICY,
    VCPU_PART_START,
    VCPU_PART_PATH,
    VCPU_PART_TIME_LIMIT,
    VCPU_PARTS
};

struct vcpu {
    /* The frame: what every handler may change, in the reverse order of the pushes. */
    uint64_t r11;
    uint64_t r10;
    uint64_t r9;
    uint64_t r8;
    uint64_t rdi;
    uint64_t rsi;
    uint64_t rcx;
    uint64_t rbx;
    uint64_t rdx;
    uint64_t rax;
    /*
     * The registers that C preserves stay where they are while a handler runs; they are here only
     * while the guest is not entered.
     */
    uint64_t rbp;
    uint64_t r12;
    uint64_t r13;
    uint64_t r14;
    uint64_t r15;
    uint64_t caller_rsp; /* of vmx_enter()'s caller */
    bool launched;       /* VMRESUME from now on: the VMCS's launch state is "launched" */
    bool unclear;        /* owes VMCLEAR: what its launch state is, is not known */
    bool stale;          /* owes INVVPID before it is entered */
    bool kicked;         /* vcpu_kick()'s wish, until the vCPU has stopped for it */
    uint16_t vpid;       /* its own, from vpid.h */
    uint32_t cpu;        /* that it is bound to, or VCPU_UNBOUND */
    struct vcpu_host host;
    struct vmcs vmcs;
    const struct vmx_capability *capability;
    const struct ept *ept;
    bool has_machine;         /* as the policy says: see struct vcpu_policy */
    struct ept_seen ept_seen; /* what INVEPT has been executed for */
    struct {
        uint64_t qualification, physical;
    } violation;               /* EPT violation that exit_ept_violation() has left unfinished */
    const struct mmio *mmio;   /* what stands where there is no memory (mmio.h), or NULL */
    const struct ports *ports; /* who answers for I/O ports (ports.h), or NULL: the hardware */
    /*
     * In force. "IA-32e mode guest" follows the guest's mode, and without the core where the guest
     * is unrestricted: here it is as of the start or the last return of vcpu_run().
     */
    uint32_t controls[CONTROL_GROUPS];
    uint32_t absent[CONTROL_GROUPS]; /* wanted where the CPU has them, and it has not */
    uint64_t xcr0;                   /* the guest's, in the CPU too while that holds resident */
    struct resident_state resident;
    struct cpuid_policy cpuid;
    struct msr_policy msrs; /* what an intercepted access comes to */
    enum vcpu_path path;    /* of HOST_RIP */
    struct pending_events events;
    uint32_t requested; /* VM exits that the guest has asked for: exits/request.h */
    uint32_t time_left; /* ... and its preemption timer as it was then */
    struct vcpu_stop stop;
    /* Why a part is not there, or half: vcpu_run() refuses for it until it is written whole. */
    struct vcpu_stop unmade[VCPU_PARTS];
    /* hardware_stamp.value: the TSC at the latest VM exit, stored by the CPU; see
     * vcpu_set_hardware_stamp(). */
    struct msr_area_entry hardware_stamp;
    char entry_fault[256]; /* what stop.text points to after a VM entry that failed */
    struct unpaged unpaged;
    uint32_t cr0_mask, cr4_mask; /* the policy's part of the guest/host masks */
    uint32_t cr3_target_count;   /* as the policy says; in the VMCS, but while unpaged.active */
    uint64_t apic_access_page;   /* physical, mapped where the guest's APIC is; 0: there is none */
    struct local_apic apic;      /* its page is the virtual-APIC page */
} __attribute__((aligned(PAGE_SIZE)));

/* Distance from the start of the vCPU to HOST_RSP. */
#define VCPU_FRAME_END offsetof(struct vcpu, rbp)

/* Where in its block the vCPU lies: at the end. */
#define VCPU_OFFSET (VCPU_BLOCK_PAGES * PAGE_SIZE - sizeof(struct vcpu))

/* The frame keeps RSP 16-byte aligned for the handler that is called beneath it. */
_Static_assert(VCPU_FRAME_END % 16 == 0, "System V ABI stack alignment");

/* What a policy decides. Bitmaps are 4 KiB pages, 4 KiB aligned. */
struct vcpu_policy {
    struct control_wish controls[CONTROL_GROUPS];
    /* Exceptions that exit, to be reflected: a bit a vector. #MC always does, and stops the guest.
     */
    uint32_t exception_bitmap;
    /* Bits whose change by the guest exits, besides those that are the host's anyway. */
    uint32_t cr0_mask, cr4_mask;
    /* MOV to CR3 of a CR3-target value takes no exit in any case (SDM Vol. 3C 25.6.7). */
    uint32_t cr3_target_count; /* as many as the CPU has at most: IA32_VMX_MISC[24:16] */
    uint64_t cr3_targets[CR3_TARGETS];
    struct cpuid_hidden cpuid[CPUID_HIDDEN_MAX];
    void *msr_bitmap; /* gets the bits of what passes under no policy: msr_never_list.h */
    const void *io_bitmap_a;
    const void *io_bitmap_b;
    const void *msr_answers; /* what is emulated or refused: see msr_policy_set(); NULL: none */
    /*
     * The guest has this CPU to itself, and the machine's devices and interrupts: the CPU's own
     * local APIC whatever the bitmaps say, and interrupts wake it from an HLT that exits.
     */
    bool machine;
};

/* The mode that a guest starts in; always at CPL 0, interrupts off. */
enum vcpu_mode {
    VCPU_LONG = 0,  /* 64-bit mode, the segments flat */
    VCPU_PROTECTED, /* 32-bit, the segments flat, paging off */
    VCPU_REAL,      /* 16-bit; CS as given, the other segments at 0 */
    VCPU_MODES
};

/*
 * Where and how a guest starts. Registers that are not here are 0. There are no descriptor tables:
 * what reloads a segment or takes an event needs LGDT and LIDT first, but for real mode, whose
 * interrupt table lies at 0.
 *
 * In real mode CS:IP are cs and rip, with a base of 16 * cs: a SIPI is {.cs = vector << 8, .rip =
 * 0}, and RESET {.cs = 0xf000, .rip = 0xfff0}, the alias of the reset vector below 1 MiB.
 */
struct vcpu_start {
    enum vcpu_mode mode;
    uint16_t cs; /* VCPU_REAL alone */
    uint64_t rip;
    uint64_t rsp;
    uint64_t cr3;
    /*
     * Without "unrestricted guest" VCPU_PROTECTED takes a page of guest memory that is the core's
     * from then on: its guest-physical address, 4 KiB aligned, below 4 GiB. With it the guest may
     * also end paging later. 0: no such page.
     */
    uint64_t identity_map;
    uint64_t rdi;
    uint64_t rsi;
    uint64_t rdx;
};

/*
 * A vCPU on memory of its own, VMCS included, with a VPID of its own, bound to no CPU; NULL if
 * there is no memory, no VPID, or VMCLEAR failed. This CPU must be in VMX operation; capability,
 * which all CPUs are taken to share, and ept must outlive the vCPU.
 */
struct vcpu *vcpu_create(const struct vmx_capability *capability, const struct ept *ept);

/*
 * Unbinds it if it is bound to this CPU, and frees it. False, and nothing freed, if it cannot be
 * unbound: it is bound to another CPU, and only that one can clear its VMCS, or VMCLEAR failed.
 * NULL is allowed.
 */
bool vcpu_destroy(struct vcpu *vcpu);

/*
 * Binds the vCPU to this CPU, if it was not so already, and makes its VMCS the current one, with
 * this CPU's host state (CR0, CR3 and CR4 may change between two calls; GDT, IDT, TSS, segments and
 * MSRs of the host stay as they were when a CPU bound it first). Several vCPUs may be bound to one
 * CPU and take turns; each is bound to one CPU at a time. Costs nothing but four register reads if
 * the VMCS was current already. NULL on success, else why not: &vcpu->stop, or, if it is bound to
 * another CPU, a stop of our own, as the vCPU's is then that CPU's to write.
 *
 * Whatever follows here but vcpu_kick() takes a vCPU that is bound to this CPU or to none, and
 * those that say so one whose VMCS is current, as this leaves it.
 */
const struct vcpu_stop *vcpu_bind(struct vcpu *vcpu);

/*
 * VMCLEARs it off this CPU, so that it can be bound to any, VMLAUNCH being next. True too if it was
 * bound to none; false, and it stays bound, if it is bound to another CPU, or VMCLEAR failed. Every
 * vCPU is to be unbound before vmx_disable().
 */
bool vcpu_unbind(struct vcpu *vcpu);

/*
 * For vcpu_run(): VMCLEARs it and makes its VMCS current again, VMLAUNCH being next. What of that
 * fails is logged, and made good by the next vcpu_bind().
 */
void vcpu_clear(struct vcpu *vcpu);

/*
 * For vcpu_run(): pays the invalidations that vcpu_bind() and changes of the EPT have left owing.
 * False, with vcpu->stop, if INVEPT failed. The VMCS is current.
 */
bool vcpu_invalidate_stale(struct vcpu *vcpu);

/*
 * Binds, and writes the controls for the policy. False if the vCPU cannot be bound, or, with
 * vcpu->stop explaining it, if this CPU cannot do what the policy asks. The bitmaps must stay where
 * they are until the next call. The guest is to be started afterwards.
 */
bool vcpu_apply_policy(struct vcpu *vcpu, const struct vcpu_policy *policy);

/*
 * What came of a series of vmcs_write()s with that first_failure: true if none failed; else false,
 * with vcpu->stop naming the field.
 */
bool vcpu_written(struct vcpu *vcpu, uint32_t first_failure);

/* Notes whether the part has been written whole, vcpu->stop saying why not; returns that. */
bool vcpu_part_is(struct vcpu *vcpu, enum vcpu_part part, bool whole);

/*
 * Chooses the exit stub, the VMCS being current. One VMWRITE now, nothing on the path. Should it
 * fail, vcpu_run() says so.
 */
void vcpu_set_path(struct vcpu *vcpu, enum vcpu_path path);

/*
 * Has each VM exit load host into IA32_PERF_GLOBAL_CTRL, and each VM entry guest: which counters
 * count on which side (performance.h). Equal values need no loading, and no exit then pays for any:
 * the MSR stays as it is. False, with vcpu->stop, where they differ and this CPU cannot load it.
 * Holds until the next vcpu_apply_policy(); the VMCS is current.
 */
bool vcpu_set_performance(struct vcpu *vcpu, uint64_t host, uint64_t guest);

/* Why host and guest cannot be counted apart on this CPU, in words; NULL if they can. */
const char *vcpu_performance_absent(const struct vmx_capability *capability);

/*
 * Has each VM exit store the TSC in vcpu->hardware_stamp.value, between the guest's last
 * instruction and the host's first: RDMSR's value, in VMX root operation, whatever TSC offset the
 * guest has. It is the only entry of the VM-exit MSR-store area then. Holds until the next
 * vcpu_apply_policy(); the VMCS is current. False, with vcpu->stop, if it cannot be had.
 */
bool vcpu_set_hardware_stamp(struct vcpu *vcpu, bool on);

/*
 * Puts the guest at a start, the VMCS being current and a policy applied, with resident state as
 * after RESET. False, with vcpu->stop, if a VMWRITE failed or the mode cannot be had: real mode
 * takes "unrestricted guest", protected mode that or an identity map.
 */
bool vcpu_start(struct vcpu *vcpu, const struct vcpu_start *start);

/*
 * Gives the guest so many TSC ticks of its own from now on, exits not counted; 0 is as many as can
 * be given. Where the CPU has no VMX-preemption timer, there is no limit. The VMCS is current.
 * Should the VMWRITE fail, vcpu_run() says so.
 */
void vcpu_set_time_limit(struct vcpu *vcpu, uint64_t ticks);

/*
 * Binds, and runs the guest until a handler stops it; returns &vcpu->stop, or what vcpu_bind() has
 * against it; never NULL. A guest of which the policy, start, path or time limit was not written
 * whole the last time is not entered: the stop is that failure's. Interrupts are off. This CPU
 * takes the guest's resident state for it if it does not hold it (resident_state.h), and keeps it
 * until the vCPU is unbound.
 */
const struct vcpu_stop *vcpu_run(struct vcpu *vcpu);

/*
 * From any CPU: the guest stops with STOP_KICKED, now if it runs, else as soon as it is run. Needs
 * external-interrupt exiting, as platform_kick() says; without it the stop waits for vcpu_run().
 */
void vcpu_kick(struct vcpu *vcpu);

#endif
