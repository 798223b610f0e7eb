/* SPDX-License-Identifier: MIT */
/*
 * The one field list of the record: the C struct, its checks, the CTF metadata and the layout that
 * the Python reader loads are all generated from it, so they cannot disagree. No include guard:
 * define RECORD_FIELD(bits, name, unit, description) and include this file once for each use.
 *
 * The first field is the CTF event time stamp and the second the CTF event id; both must stay
 * first. All fields are little-endian unsigned integers at their natural alignment; together 64
 * bytes.
 */
RECORD_FIELD(64, entered, "ticks", "TSC as the exit stub is entered")
RECORD_FIELD(16, reason, "", "basic exit reason, VMCS exit reason [15:0]; 0xffff: VMfail")
RECORD_FIELD(16, reason_flags, "", "VMCS exit reason [31:16]")
RECORD_FIELD(32, flags, "", "what is valid: RECORD_HAS_*; what it is: RECORD_LEFT, RECORD_VMFAIL")
RECORD_FIELD(64, dispatched, "ticks", "TSC as the handler is called")
RECORD_FIELD(64, handled, "ticks", "TSC as the handler has returned")
RECORD_FIELD(64, entering, "ticks", "TSC just before VM entry; 0 with RECORD_LEFT")
RECORD_FIELD(64, detail, "", "accessed: MSR, port, CPUID leaf, hypercall; VM-instruction error")
RECORD_FIELD(64, rip, "", "guest RIP of the exiting instruction")
RECORD_FIELD(16, vmreads, "", "VMREADs from exit to entry")
RECORD_FIELD(16, vmwrites, "", "VMWRITEs from exit to entry")
RECORD_FIELD(16, msr_accesses, "", "RDMSRs and WRMSRs of the host from exit to entry")
RECORD_FIELD(8, xsetbvs, "", "XSETBVs of the host from exit to entry")
RECORD_FIELD(8, invalidations, "", "INVEPTs and INVVPIDs from exit to entry")
