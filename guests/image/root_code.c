/* SPDX-License-Identifier: MIT */
/* The code of root_operation_list.h: what to prepare, and the operation, which the control lacks.
 */
#include "../sample_loop.h"
#include "root_operation.h"

#define FIELD_RIP "0x681e"
_Static_assert(VMCS_GUEST_RIP == 0x681e, "as the assembler reads it");

#define OPERAND(field) [field] "i"(offsetof(struct root_operands, field))
#define OPERANDS                                                                             \
    [with] "r"(with), OPERAND(vmcs), OPERAND(inactive_vmcs), OPERAND(stored), OPERAND(rip),  \
        OPERAND(msr), OPERAND(xcr0), OPERAND(cr2), OPERAND(cr3), OPERAND(dr6), OPERAND(ept), \
        OPERAND(vpid)

#define ROOT_FUNCTION(function, prepare, operation)                                              \
    static void function(struct sample *samples, uint64_t count, struct root_operands *operands) \
    {                                                                                            \
        register struct sample *at __asm__("r8") = samples;                                      \
        register uint64_t left __asm__("r9") = count;                                            \
        register struct root_operands *with __asm__("r10") = operands;                           \
        SAMPLE_LOOP(prepare, operation, OPERANDS);                                               \
    }
/* Flags that no operation but a VMX instruction touches: CF and ZF are clear before. */
#define ROOT_TRIAL(function, prepare, operation)                              \
    static bool function(struct root_operands *operands)                      \
    {                                                                         \
        register struct root_operands *with __asm__("r10") = operands;        \
        register bool failed __asm__("r11");                                  \
        __asm__ volatile(prepare "\n\ttest %%rsp, %%rsp\n\t" operation "\n\t" \
                                 "setbe %[failed]"                            \
                         : [failed] "=r"(failed)                              \
                         : OPERANDS                                           \
                         : "rax", "rbx", "rcx", "rdx", "cc", "memory");       \
        return failed;                                                        \
    }
#define ROOT_CODE(name, prepare, operation)      \
    ROOT_TRIAL(name##_fails, prepare, operation) \
    ROOT_FUNCTION(name##_control, prepare, "")   \
    ROOT_FUNCTION(name##_op, prepare, operation) \
    ROOT_FUNCTION(name##_twice, prepare "\n\t" operation, "\n\t" prepare "\n\t" operation)

#define AT(field)   "%c[" #field "](%[with])"
#define LOAD(field) "mov " AT(field) ", %%rdx"
/* Into EDX:EAX, for the MSR or the extended control register that ECX names. */
#define LOAD_PAIR(field) "mov " AT(field) ", %%eax\n\tmov 4+" AT(field) ", %%edx"

#define KERNEL_GS_BASE "mov $0xc0000102, %%ecx"
_Static_assert(IA32_KERNEL_GS_BASE == 0xc0000102, "as the assembler reads it");

ROOT_CODE(vmread, "mov $" FIELD_RIP ", %%eax", "vmread %%rax, %%rdx")
ROOT_CODE(vmwrite, "mov $" FIELD_RIP ", %%eax\n\t" LOAD(rip), "vmwrite %%rdx, %%rax")
ROOT_CODE(vmptrld,
          "mov " AT(vmcs) ", %%rax\n\tmov 8+" AT(vmcs) ", %%rdx\n\t"
                                                       "mov %%rdx, " AT(
                                                           vmcs) "\n\tmov %%rax, 8+" AT(vmcs),
          "vmptrld " AT(vmcs))
ROOT_CODE(vmptrst, "", "vmptrst " AT(stored))
ROOT_CODE(vmclear, "", "vmclear " AT(inactive_vmcs))
ROOT_CODE(invept_single, "mov $1, %%eax", "invept " AT(ept) ", %%rax")
ROOT_CODE(invept_all, "mov $2, %%eax", "invept " AT(ept) ", %%rax")
ROOT_CODE(invvpid_address, "mov $0, %%eax", "invvpid " AT(vpid) ", %%rax")
ROOT_CODE(invvpid_single, "mov $1, %%eax", "invvpid " AT(vpid) ", %%rax")
ROOT_CODE(invvpid_all, "mov $2, %%eax", "invvpid " AT(vpid) ", %%rax")
ROOT_CODE(invvpid_keep_globals, "mov $3, %%eax", "invvpid " AT(vpid) ", %%rax")
ROOT_CODE(rdmsr, KERNEL_GS_BASE, "rdmsr")
ROOT_CODE(wrmsr, KERNEL_GS_BASE "\n\t" LOAD_PAIR(msr), "wrmsr")
ROOT_CODE(xgetbv, "xor %%ecx, %%ecx", "xgetbv")
ROOT_CODE(xsetbv, "xor %%ecx, %%ecx\n\t" LOAD_PAIR(xcr0), "xsetbv")
ROOT_CODE(rdpmc, "xor %%ecx, %%ecx", "rdpmc")
ROOT_CODE(rdtsc, "", "rdtsc")
ROOT_CODE(rdtscp, "", "rdtscp")
ROOT_CODE(cpuid, "xor %%eax, %%eax\n\txor %%ecx, %%ecx", "cpuid")
ROOT_CODE(in, "", "in $0x80, %%al")
ROOT_CODE(out, "xor %%eax, %%eax", "out %%al, $0x80")
ROOT_CODE(mov_from_cr3, "", "mov %%cr3, %%rdx")
ROOT_CODE(mov_to_cr3, LOAD(cr3), "mov %%rdx, %%cr3")
ROOT_CODE(mov_to_cr2, LOAD(cr2), "mov %%rdx, %%cr2")
ROOT_CODE(mov_from_dr6, "", "mov %%dr6, %%rdx")
ROOT_CODE(mov_to_dr6, LOAD(dr6), "mov %%rdx, %%dr6")

/*
 * A call, which clobbers the loop's registers: saved in the control too. RSP is aligned for it, and
 * each sample finds it where the one before did.
 */
#define SAVE                                                 \
    "push %%r8\n\tpush %%r9\n\tpush %%r10\n\tpush %%rbp\n\t" \
    "mov %%rsp, %%rbp\n\tand $-16, %%rsp\n\tmov %%r10, %%rdi"
#define RESTORE "mov %%rbp, %%rsp\n\tpop %%rbp\n\tpop %%r10\n\tpop %%r9\n\tpop %%r8"
#define ROOT_CALL(name)                                                            \
    ROOT_FUNCTION(name##_control, SAVE, RESTORE)                                   \
    ROOT_FUNCTION(name##_op, SAVE, "call " #name "\n\t" RESTORE)                   \
    ROOT_FUNCTION(name##_twice, SAVE "\n\tcall " #name "\n\t" RESTORE "\n\t" SAVE, \
                  "call " #name "\n\t" RESTORE)                                    \
    static bool name##_fails(struct root_operands *operands)                       \
    {                                                                              \
        return !name(operands);                                                    \
    }

/* For the assembly above: whether it succeeded. */
#define CALLED __attribute__((used, noinline)) static bool

CALLED resident_switch(struct root_operands *with)
{
    bool taken = resident_take(with->vcpu);

    resident_to_host();
    return taken;
}
ROOT_CALL(resident_switch)

CALLED write_protect(struct root_operands *with)
{
    const enum ept_access read_only = (enum ept_access)(EPT_READ | EPT_EXECUTE);

    return ept_protect(with->map, GUEST_LOGGED_BASE, PAGE_SIZE, read_only) &&
           ept_use(with->map, &with->vcpu->ept_seen) &&
           ept_protect(with->map, GUEST_LOGGED_BASE, PAGE_SIZE, EPT_ALL);
}
ROOT_CALL(write_protect)

const struct root_operation root_operations[] = {
#define ROOT_OPERATION(name, needs, instruction, description) \
    {"root/" #name,                                           \
     NEEDS_##needs,                                           \
     name##_fails,                                            \
     {[GUEST_CONTROL] = name##_control, [GUEST_OP] = name##_op, [GUEST_TWICE] = name##_twice}},
#include "../root_operation_list.h"
#undef ROOT_OPERATION
};

const unsigned root_operation_count = sizeof(root_operations) / sizeof(root_operations[0]);
