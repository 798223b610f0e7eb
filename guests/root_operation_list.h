/* SPDX-License-Identifier: MIT */
/*
 * The instructions that handlers are made of, measured alone in VMX root operation as benchmarks
 * root/NAME. No include guard: define ROOT_OPERATION(name, needs, instruction, description) and
 * include this file. Needs is an enum root_need of guests/image/root_operation.h.
 */
ROOT_OPERATION(vmread, NOTHING, "VMREAD RDX, RAX", "read of the guest's RIP from the current VMCS")
ROOT_OPERATION(vmwrite, NOTHING, "VMWRITE RAX, RDX", "write of the guest's RIP, the value it has")
ROOT_OPERATION(vmptrld, NOTHING, "VMPTRLD", "makes the other one of two VMCSs current")
ROOT_OPERATION(vmptrst, NOTHING, "VMPTRST", "stores the address of the current VMCS")
ROOT_OPERATION(vmclear, NOTHING, "VMCLEAR", "clears a VMCS that is not active")
ROOT_OPERATION(invept_single, INVEPT_SINGLE, "INVEPT", "single-context: one EPT pointer")
ROOT_OPERATION(invept_all, INVEPT_ALL, "INVEPT", "global: every EPT pointer")
ROOT_OPERATION(invvpid_address, INVVPID_ADDRESS, "INVVPID", "individual-address, of one VPID")
ROOT_OPERATION(invvpid_single, INVVPID_SINGLE, "INVVPID", "single-context: one VPID")
ROOT_OPERATION(invvpid_all, INVVPID_ALL, "INVVPID", "all-context: every VPID")
ROOT_OPERATION(invvpid_keep_globals, INVVPID_KEEP_GLOBALS, "INVVPID",
               "single-context-retaining-globals")
ROOT_OPERATION(rdmsr, NOTHING, "RDMSR", "read of IA32_KERNEL_GS_BASE")
ROOT_OPERATION(wrmsr, NOTHING, "WRMSR", "write of IA32_KERNEL_GS_BASE, the value it has")
ROOT_OPERATION(xgetbv, XSAVE, "XGETBV", "read of XCR0")
ROOT_OPERATION(xsetbv, XSAVE, "XSETBV", "write of XCR0, the value it has")
ROOT_OPERATION(rdpmc, RDPMC, "RDPMC", "read of counter 0")
ROOT_OPERATION(rdtsc, NOTHING, "RDTSC", "read of the time-stamp counter")
ROOT_OPERATION(rdtscp, RDTSCP, "RDTSCP", "the same, and of IA32_TSC_AUX")
ROOT_OPERATION(cpuid, NOTHING, "CPUID", "leaf 0, without an exit")
ROOT_OPERATION(in, NOTHING, "IN AL, 0x80", "read of a byte from port 0x80")
ROOT_OPERATION(out, NOTHING, "OUT 0x80, AL", "write of a byte to port 0x80")
ROOT_OPERATION(mov_from_cr3, NOTHING, "MOV RDX, CR3", "read of CR3")
ROOT_OPERATION(mov_to_cr3, NOTHING, "MOV CR3, RDX", "write of CR3, the value it has")
ROOT_OPERATION(mov_to_cr2, NOTHING, "MOV CR2, RDX", "write of CR2, the value it has")
ROOT_OPERATION(mov_from_dr6, NOTHING, "MOV RDX, DR6", "read of DR6")
ROOT_OPERATION(mov_to_dr6, NOTHING, "MOV DR6, RDX", "write of DR6, the value it has")
ROOT_OPERATION(resident_switch, NOTHING, "XSAVE, XRSTOR, ...",
               "extended state, CR2, DRs and MSRs: the host's out, a guest's in, and back")
ROOT_OPERATION(write_protect, NOTHING, "INVEPT, ...",
               "a 4 KiB page made read-only in the EPT, INVEPT, and writable again")
