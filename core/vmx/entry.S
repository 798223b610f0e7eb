/* SPDX-License-Identifier: MIT */
/*
 * The exit path, whole: from the VM exit to VMRESUME.
 *
 * It exists once a probe level. HOST_RIP in the VMCS chooses among them, so a level that is off is
 * not skipped here: it is not here. Each is this macro: `totals` adds the sums of the level "counts",
 * `stamps` a record of four time stamps, `counts` the rest of the record, `wide` the second line of it
 * with the CPU's own stamp, `events` the performance counters there; `build` says which of the
 * compilations of the handlers (probes/count.h) goes with it.
 *
 *   pushes -> exit reason -> handler -> pops -> VMRESUME
 *
 * HOST_RSP points behind the frame of struct vcpu (vcpu.h), so the pushes are the save and RSP is
 * the vCPU. Only what a handler written in C may clobber is saved, and RBX for CPUID's sake; RBP and
 * R12 to R15 stay the guest's in their registers, as C gives them back unharmed. The guest's SSE and AVX
 * state likewise: nothing here is compiled to touch it.
 */
#include "offsets.h"

#include "../../probes/stamp.inc"

.macro EXIT_PATH name, totals, stamps, counts, wide, events, build
    /* Flags and bytes of a record. */
    .set    flags_\name, RECORD_HAS_COUNTS * \counts + RECORD_HAS_EXITED * \wide + RECORD_HAS_COUNTERS * \events
    .set    size_\name, RECORD_SIZE + (WIDE_RECORD_SIZE - RECORD_SIZE) * \wide
    .text
    .balign 64
    .globl vmx_exit_\name
vmx_exit_\name:
    push    %rax
    push    %rdx
  .if \stamps
    rdtsc                               /* unfenced: a VM exit serializes */
  .endif
    push    %rbx
  .if \stamps
    mov     %gs:PROBE_CPU_NEXT, %rbx
    mov     %eax, RECORD_ENTERED(%rbx)
    mov     %edx, RECORD_ENTERED+4(%rbx)
  .endif
    push    %rcx
    push    %rsi
    push    %rdi
    push    %r8
    push    %r9
    push    %r10
    push    %r11
  .if \wide
    mov     VCPU_HARDWARE_STAMP(%rsp), %eax
    mov     %eax, WIDE_EXITED(%rbx)
  .endif
  .if \events                            /* behind the stamp: the reading is no part of the exit transition */
    PROBE_COUNTERS PROBE_CPU_HOST_EVENTS, WIDE_HOST_ENTERED
    PROBE_COUNTERS PROBE_CPU_GUEST_EVENTS, WIDE_GUEST
  .endif
    mov     $VMCS_EXIT_REASON, %ecx
    vmread  %rcx, %rcx
    mov     %rsp, %rdi                  /* the handler's argument: struct vcpu * */
  .if \stamps
    mov     %ecx, RECORD_REASON(%rbx)
  .endif
  .if \counts
    movq    $1, %gs:PROBE_CPU_COUNTS    /* the VMREAD above */
  .endif
    cmp     $EXIT_REASONS, %ecx
    jae     .Lunlisted_\name              /* unknown, or a failed VM entry: bit 31 */
.Ldispatch_\name:
  .if \totals
    incq    %gs:PROBE_CPU_EXITS(,%rcx,8)
.Lcounted_\name:
  .endif
  .if \events                            /* before the stamp here and behind it there: no part of the handler */
    mov     %ecx, %esi
    PROBE_COUNTERS PROBE_CPU_HOST_EVENTS, WIDE_HOST_DISPATCHED
    mov     %esi, %ecx
  .endif
  .if \stamps
    PROBE_STAMP RECORD_DISPATCHED
  .endif
    call    *exit_handlers\build(,%rcx,8)     /* dispatch.c */
.Lhandled_\name:
    test    %eax, %eax                  /* enum exit_outcome */
    jnz     .Lleave_\name
  .if \stamps
    PROBE_STAMP RECORD_HANDLED
  .endif
  .if \events
    PROBE_COUNTERS PROBE_CPU_HOST_EVENTS, WIDE_HOST_HANDLED
  .endif
  .if \stamps
    PROBE_COMMIT flags_\name, \counts, size_\name
  .endif
    pop     %r11
    pop     %r10
    pop     %r9
    pop     %r8
    pop     %rdi
    pop     %rsi
  .if \events
    PROBE_COUNTERS PROBE_CPU_HOST_EVENTS, WIDE_HOST_ENTERING
  .endif
    pop     %rcx
  .if \stamps
    PROBE_STAMP RECORD_ENTERING
  .endif
    pop     %rbx
    pop     %rdx
    pop     %rax
    vmresume
    jmp     vmx_entry_failed

.Lleave_\name:
    cmp     $EXIT_EVENTS, %eax
    je      .Levents_\name
  .if \stamps
    PROBE_STAMP RECORD_HANDLED
    movq    $0, RECORD_ENTERING(%rbx)
  .endif
  .if \events
    PROBE_COUNTERS PROBE_CPU_HOST_EVENTS, WIDE_HOST_HANDLED
  .endif
  .if \stamps
    PROBE_COMMIT (RECORD_LEFT + flags_\name), \counts, size_\name
  .endif
    jmp     vmx_leave

.Levents_\name:
    mov     %rsp, %rdi
    call    event_prepare\build
    jmp     .Lhandled_\name

.Lunlisted_\name:
    mov     $EXIT_REASONS, %ecx         /* the table's last entry */
  .if \totals
    incq    %gs:PROBE_CPU_EXITS_OTHER
    jmp     .Lcounted_\name
  .else
    jmp     .Ldispatch_\name
  .endif
.endm

EXIT_PATH off,      0, 0, 0, 0, 0
EXIT_PATH counts,   1, 0, 0, 0, 0, _totalling
EXIT_PATH stamps,   0, 1, 0, 0, 0
EXIT_PATH full,     0, 1, 1, 0, 0, _counting
EXIT_PATH hardware, 0, 1, 1, 1, 0, _counting
EXIT_PATH pmu,      0, 1, 1, 1, 1, _counting

/*
 * The floor: CPUID by the shortest stub there can be, for the cost of the transition alone. The guest
 * cooperates: RBX is where it wants to go on, RAX it gives up, and RCX is 0 if the exit is anything
 * but that CPUID, which then takes the ordinary path.
 *
 * One that does not is not stopped by its time limit: with RCX not 0 that exit too is taken for
 * CPUID, and the harness's limit has to end the run. To ask for the exit reason would be a VMREAD and
 * a branch more than there is to measure; the local APIC's timer raises no NMI, which could ask from
 * outside.
 */
    .balign 64
    .globl vmx_exit_floor
vmx_exit_floor:
    jrcxz   vmx_exit_off_near
    mov     $VMCS_GUEST_RIP, %eax
    vmwrite %rbx, %rax
    vmresume
    jmp     vmx_entry_failed
vmx_exit_off_near:
    jmp     vmx_exit_off

/*
 * enum vmx_failure vmx_enter(struct vcpu *): enters the guest; comes back by vmx_leave once a
 * handler has stopped it (VMX_SUCCEED), or at once if the VM entry failed.
 */
    .balign 16
    .globl vmx_enter
vmx_enter:
    push    %rbx
    push    %rbp
    push    %r12
    push    %r13
    push    %r14
    push    %r15
    mov     %rsp, VCPU_CALLER_RSP(%rdi)
    mov     VCPU_RBP(%rdi), %rbp
    mov     VCPU_R12(%rdi), %r12
    mov     VCPU_R13(%rdi), %r13
    mov     VCPU_R14(%rdi), %r14
    mov     VCPU_R15(%rdi), %r15
    cmpb    $0, VCPU_LAUNCHED(%rdi)     /* POP and MOV leave ZF alone until the JE below */
    mov     %rdi, %rsp
    pop     %r11
    pop     %r10
    pop     %r9
    pop     %r8
    pop     %rdi
    pop     %rsi
    pop     %rcx
    pop     %rbx
    pop     %rdx
    pop     %rax
    je      1f
    vmresume
    jmp     vmx_entry_failed
1:  vmlaunch

/* VM entry fell through with CF or ZF set. The frame in memory still holds the guest's registers. */
vmx_entry_failed:
    lea     -VCPU_FRAME_END(%rsp), %rsp
    mov     $1, %eax                    /* VMX_FAIL_INVALID */
    jc      leave
    mov     $2, %eax                    /* VMX_FAIL_VALID */
    jmp     leave

/* A handler has stopped the guest: RSP is the vCPU. */
vmx_leave:
    xor     %eax, %eax
leave:
    mov     %rbp, VCPU_RBP(%rsp)
    mov     %r12, VCPU_R12(%rsp)
    mov     %r13, VCPU_R13(%rsp)
    mov     %r14, VCPU_R14(%rsp)
    mov     %r15, VCPU_R15(%rsp)
    mov     VCPU_CALLER_RSP(%rsp), %rsp
    pop     %r15
    pop     %r14
    pop     %r13
    pop     %r12
    pop     %rbp
    pop     %rbx
    ret

    .section .note.GNU-stack, "", @progbits
