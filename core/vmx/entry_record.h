/* SPDX-License-Identifier: MIT */
/* What the probes keep of a VM entry that VMfailed: no VM exit follows one, so no exit stub does.
 */
#ifndef EXITMETER_CORE_VMX_ENTRY_RECORD_H
#define EXITMETER_CORE_VMX_ENTRY_RECORD_H

#include "vcpu.h"

/*
 * As the path's probe level has it: a record (RECORD_VMFAIL, probes/record.h), a place in the sums,
 * or nothing. error: the VM-instruction error (SDM Vol. 3C 31.4), 0 with VMfailInvalid.
 */
void entry_record_failure(enum vcpu_path path, uint64_t error);

#endif
