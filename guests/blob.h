/* SPDX-License-Identifier: MIT */
/*
 * The guest blob: a flat binary that holds every microbenchmark, loaded at GUEST_BLOB_BASE
 * of a guest's physical memory. The same bytes run under our vCPU and under any other monitor, and
 * the harness reads its table of benchmarks to know what there is: nothing about a benchmark is
 * written down twice.
 *
 * Entry contract of a row: 64-bit mode, CPL 0, interrupts off, guest-physical memory [0,
 * GUEST_MEMORY_SIZE) and what is above it identity-mapped, RSP at GUEST_STACK_TOP, RIP = entry, and
 * RDI = index of the row, RSI = enum guest_phase_code, RDX = number of samples. The samples lie at
 * GUEST_SAMPLES_BASE as struct sample[RDX]. The blob ends each phase with the hypercall
 * HYPERCALL_PHASE_DONE, or HYPERCALL_FAILED if it cannot go on, and is entered afresh for the next.
 * A monitor that does not know these hypercalls sets `leave` in its copy of the header: there the
 * blob jumps instead of each of the two, in 64-bit mode, with RAX and RDI as for the hypercall.
 *
 * A row that requires two CPUs is entered on both, at the same entry: on the second with RSI =
 * GUEST_OTHER and RSP at GUEST_OTHER_STACK. It ends with the same hypercall, once the first CPU's
 * teardown has told it to. Its local APIC reaches the first one's. Only the first CPU's exits are
 * recorded.
 *
 * A row may ask for an entry in another mode, with the same in EDI, ESI and EDX:
 *   ROW_START_PROTECTED: 32-bit, flat, without paging, ESP at GUEST_STACK_TOP, EIP =
 * entry_protected; ROW_START_REAL: as by a SIPI, CS:IP at GUEST_LOW_BASE:0, SP at GUEST_LOW_STACK.
 * That is where the blob's low part lies: low_size bytes of its file, from low on, copied there.
 */
#ifndef EXITMETER_GUESTS_BLOB_H
#define EXITMETER_GUESTS_BLOB_H

#include "../core/hypercall.h"
#include "../core/vmx/control.h"

#include <stddef.h>
#include <stdint.h>

#define GUEST_BLOB_MAGIC   0x31424f4c424d5845ull /* "EXMBLOB1", little-endian */
#define GUEST_BLOB_VERSION 5u

/* Guest-physical layout, bytes. The tables of the first 64-bit page map lie below the stack. */
#define GUEST_PAGE_TABLES  0x1000ull
#define GUEST_IDENTITY_MAP 0x4000ull /* the core's: struct vcpu_start */
#define GUEST_LOW_STACK    0x8000ull
#define GUEST_LOW_BASE     0x8000ull /* the low part, in reach of real mode without a segment ... */
#define GUEST_LOW_LIMIT    0x10000ull /* ... ends below */
#define GUEST_OTHER_STACK  0x70000ull /* of the second CPU */
#define GUEST_STACK_TOP    0x80000ull
#define GUEST_BLOB_BASE    0x100000ull
#define GUEST_BLOB_LIMIT   0x400000ull /* blob, its .bss included, ends below */
#define GUEST_SAMPLES_BASE 0x800000ull
#define GUEST_MEMORY_SIZE  0x2000000ull
#define GUEST_SAMPLES_MAX  1000000u

/*
 * Above, identity-mapped too, at multiples of 2 MiB: memory on demand, of which nothing is mapped
 * by EPT when a phase begins; and a device.
 */
#define GUEST_DEMAND_BASE  0x4000000ull
#define GUEST_DEMAND_PAGES 2048
#define GUEST_DEMAND_SIZE  ((GUEST_DEMAND_PAGES + 1) * 4096ull) /* one beside the samples' */
/*
 * On demand by pages of 2 MiB and of 1 GiB, for the rows that want it: a page a sample, all backed
 * by the same memory. The guest's tables for it lie at GUEST_LARGE_TABLES. That of 2 MiB is
 * identity-mapped; of each GiB the first 2 MiB are mapped, one behind the other, at
 * GUEST_1G_WINDOW.
 */
#define GUEST_2M_BASE      0x100000000ull
#define GUEST_2M_PAGES     2048
#define GUEST_1G_BASE      0x1000000000ull
#define GUEST_1G_PAGES     448 /* up to 2^39, the width of many a CPU's physical addresses */
#define GUEST_1G_WINDOW    0x200000000ull
#define GUEST_LARGE_TABLES 0x10000ull /* page directories: four of the first, one of the second */
/* In memory, behind the samples: what is logged (core/vmx/dirty_log.h) for the rows that want it.
 */
#define GUEST_LOGGED_BASE 0x1800000ull
#define GUEST_LOGGED_SIZE (GUEST_DEMAND_PAGES * 4096ull)
#define GUEST_DEVICE_BASE 0x8000000ull
#define GUEST_DEVICE_SIZE 0x2000ull

/*
 * The device's first page is registers that keep what is written, by bytes. In the second are three
 * of 8 bytes that show a check what the guest's own page tables do not tell.
 */
#define DEVICE_PAGE          (GUEST_DEVICE_BASE + 0x1000) /* address of a page on demand, for the others */
#define DEVICE_FLAGS         (GUEST_DEVICE_BASE + 0x1008) /* read: takes its EPT flags: DEVICE_FLAG_* */
#define DEVICE_ACCESS        (GUEST_DEVICE_BASE + 0x1010) /* write: its EPT access, bits R, W, X */
#define DEVICE_FLAG_ACCESSED 1u
#define DEVICE_FLAG_DIRTY    2u
#define DEVICE_FLAG_NONE     4u /* this CPU keeps no such flags */

/* The device's first page once more, where an access exits as an EPT misconfiguration. */
#define GUEST_TRAPPED_BASE (GUEST_DEVICE_BASE + 0x4000)

/*
 * The device's ports, of which the same is true as of its registers. Only accesses that exit reach
 * them: those that pass reach what hardware there is, which is nothing in any usual machine.
 */
#define GUEST_PORTS      0x300u
#define GUEST_PORTS_SIZE 16u

/* Where Bochs' chipset has the ACPI power-management timer. */
#define GUEST_PM_TIMER 0xb008u

/* One round trip as the guest saw it: TSC before and after, fenced by LFENCE. */
struct sample {
    uint64_t start;
    uint64_t end;
};

_Static_assert(GUEST_SAMPLES_BASE + GUEST_SAMPLES_MAX * sizeof(struct sample) <= GUEST_MEMORY_SIZE,
               "the sample buffer fits into guest memory");

enum guest_phase_code {
    GUEST_CONTROL = 0, /* the row's code without the exiting instruction */
    GUEST_OP = 1,
    GUEST_TWICE = 2,
    GUEST_OTHER = 3, /* the second CPU's, of a row that has `other` */
};

/* Which of the policy's bitmaps decides whether an exit is taken. */
enum row_gate {
    GATE_ALWAYS = 0,    /* none of them */
    GATE_MSR_READ = 1,  /* index is the MSR */
    GATE_MSR_WRITE = 2, /* index is the MSR */
    GATE_IO = 3,        /* index is the port, width the bytes accessed */
    GATE_EXCEPTION = 4, /* index is the vector */
    GATE_CR0 = 5,       /* index is the bits that change */
    GATE_CR4 = 6,       /* likewise */
    GATES
};

/* VM-execution controls as struct row_exit names them: PRIMARY_CONTROL_HLT_EXITING and so on. */
enum row_control {
    ROW_CONTROL_NONE = 0,
#define CONTROL(group, bit, symbol, name) \
    group##_CONTROL_##symbol = 1 + 32 * CONTROL_##group + (bit),
#include "../core/vmx/control_list.h"
#undef CONTROL
    ROW_CONTROLS = 1 + 32 * CONTROL_EXIT /* VM-exit and VM-entry controls decide over no exit */
};

/*
 * A VM exit that the operation takes: if the bitmap that is its gate says so, and the controls in
 * force are as named.
 */
struct row_exit {
    uint16_t reason; /* basic exit reason */
    uint16_t times;  /* in each operation; 0: behind the last of the list */
    uint32_t index;
    uint8_t gate;        /* enum row_gate */
    uint8_t width;       /* 0 unless GATE_IO */
    uint8_t when_on[3];  /* enum row_control, each of which must be 1 */
    uint8_t when_off[3]; /* ... and each of which must be 0 */
};

#define ROW_EXITS      8u
#define ROW_EXITS_MOST 4096u /* in one operation, all together */

/* row.requires: what the CPU must have. */
#define ROW_REQUIRES_X2APIC       1u
#define ROW_REQUIRES_UNRESTRICTED 2u /* and the policy must leave "unrestricted guest" on */
#define ROW_REQUIRES_MONITOR      0x100u
#define ROW_REQUIRES_RDRAND       0x200u
#define ROW_REQUIRES_RDSEED       0x400u
#define ROW_REQUIRES_INVPCID      0x800u  /* and the control that enables it */
#define ROW_REQUIRES_RDTSCP       0x1000u /* likewise */
#define ROW_REQUIRES_XSAVE        0x2000u
#define ROW_REQUIRES_RDPMC        0x4000u /* a counter, of number 0 */
#define ROW_REQUIRES_TSC_ADJUST   0x8000u
#define ROW_REQUIRES_SPEC_CTRL    0x10000u /* IBRS and IBPB */
#define ROW_REQUIRES_TSX_CTRL     0x20000u
#define ROW_REQUIRES_PM_TIMER     0x40000u /* at GUEST_PM_TIMER */
#define ROW_REQUIRES_HYPERCALLS   0x80000u /* of the core's own: HYPERCALL_INJECT */
/* ... and of the policy: what guests/image/requirement_policy.c says in words if it is not so. */
#define ROW_REQUIRES_CORES_APIC       0x100000u /* the guest's local APIC is the core's */
#define ROW_REQUIRES_DEADLINE         0x200000u /* TSC-deadline mode */
#define ROW_REQUIRES_HOST_INTERRUPT   0x400000u /* interrupts of the host's own exit */
#define ROW_REQUIRES_VIRTUAL_NMIS     0x800000u
#define ROW_REQUIRES_TRAP_FLAG        0x1000000u /* the monitor's */
#define ROW_REQUIRES_PREEMPTION_TIMER 0x2000000u
#define ROW_REQUIRES_PAUSE            0x4000000u /* a PAUSE alone does not exit */
#define ROW_REQUIRES_TWO_CPUS         0x8000000u
/* Whose the local APIC is, the core's or the guest's, interrupts exit accordingly; and HLT. */
#define ROW_REQUIRES_DELIVERY 0x10000000u
#define ROW_REQUIRES_HLT      0x20000000u
/* What it knows of hardware by ports, and MSRs, is not answered otherwise by the policy. */
#define ROW_REQUIRES_REAL_PORTS 0x40000000u
#define ROW_REQUIRES_REAL_MSRS  0x80000000u
#define ROW_REQUIRES_OF_POLICY  0xfff00000u /* all of these */
/* What asks for its exits by hypercalls, which no other monitor answers. */
#define ROW_REQUIRES_REQUESTS                                                           \
    (ROW_REQUIRES_HOST_INTERRUPT | ROW_REQUIRES_VIRTUAL_NMIS | ROW_REQUIRES_TRAP_FLAG | \
     ROW_REQUIRES_PREEMPTION_TIMER | ROW_REQUIRES_HYPERCALLS)
/* With any of these a row sets its local APIC up by MSRs. */
#define ROW_REQUIRES_APIC_MSRS                                               \
    (ROW_REQUIRES_X2APIC | ROW_REQUIRES_CORES_APIC | ROW_REQUIRES_DEADLINE | \
     ROW_REQUIRES_DELIVERY | ROW_REQUIRES_HLT)

/* row.flags */
#define ROW_FLOOR       1u  /* uses the floor exit stub: see core/vmx/entry.S, floor */
#define ROW_CHECK       2u  /* proves behaviour instead of measuring: takes no samples */
#define ROW_CALIBRATION 4u  /* what measuring itself is made of: bench/calibration.h */
#define ROW_DEMAND      32u /* touches one more page on demand each sample */
#define ROW_PORTS       64u /* the device's ports are there */
/* Writes one more page each sample of those that are logged: GUEST_LOGGED_BASE. */
#define ROW_LOGGED 512u
/* Touches one more large page on demand each sample. */
#define ROW_DEMAND_2M 1024u
#define ROW_DEMAND_1G 2048u
/* GUEST_PAGE_TABLES, the CR3 it runs with, is a CR3-target value: loading it takes no exit. */
#define ROW_CR3_TARGET 4096u
/* Is no guest's: measured in VMX root operation, under no policy (root_operation_list.h). */
#define ROW_ROOT 256u
/* Not in 64-bit mode; at most one of them. */
#define ROW_START_REAL      8u
#define ROW_START_PROTECTED 16u
#define ROW_START_MODE      (ROW_START_REAL | ROW_START_PROTECTED)

/* A pointer inside the blob: a guest-physical address, 8 bytes wide on either side. */
#ifdef EXITMETER_GUEST
#define GUEST_POINTER(type) type
#else
#define GUEST_POINTER(type) uint64_t
#endif

/* The code of a phase: fills count samples. */
typedef void row_code(struct sample *samples, uint64_t count);

/* What comes before the first sample, or after the last. */
typedef void row_frame(void);

/* One benchmark. */
struct blob_row {
    GUEST_POINTER(const char *) name;
    GUEST_POINTER(const char *) description;
    GUEST_POINTER(const char *) instruction; /* as the table shows it, "IN AL, 0x80" */
    GUEST_POINTER(row_code *) op;
    GUEST_POINTER(row_code *) control;
    GUEST_POINTER(row_code *) twice;  /* preparation and operation two times a sample; 0: cannot */
    GUEST_POINTER(row_frame *) setup; /* before each phase, control's too; 0: nothing */
    GUEST_POINTER(row_frame *) teardown; /* after each phase; 0: nothing */
    GUEST_POINTER(row_frame *) other;    /* what the second CPU runs meanwhile; 0: nothing */
    struct row_exit exits[ROW_EXITS];    /* that the operation takes; nothing else may */
    uint32_t requires;                   /* ROW_REQUIRES_* */
    uint32_t flags;                      /* ROW_* */
};

struct blob_header {
    uint64_t magic;
    uint32_t version;
    uint32_t row_size; /* sizeof(struct blob_row) */
    uint32_t row_count;
    uint32_t low_size; /* bytes of the low part; 0: no row starts in real mode */
    GUEST_POINTER(const struct blob_row *) rows;
    GUEST_POINTER(void *) entry;
    GUEST_POINTER(void *) entry_protected; /* 0: no row starts in protected mode */
    GUEST_POINTER(const void *) low;
    uint64_t file_end;   /* guest-physical end of the bytes in the file */
    uint64_t memory_end; /* guest-physical end including .bss */
    uint64_t leave;      /* 0 in the file */
};

_Static_assert(sizeof(struct row_exit) == 16, "wire format");
_Static_assert(sizeof(struct blob_row) == 208, "wire format");
_Static_assert(sizeof(struct blob_header) == 80, "wire format");
_Static_assert(offsetof(struct blob_header, leave) == 72, "start.S has it there");

#endif
