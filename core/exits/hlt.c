/* SPDX-License-Identifier: MIT */
/* HLT: nothing wakes a guest yet that has no interrupts, so its caller is told. */
#include "../vmx/dispatch.h"
#include "advance.h"

enum exit_outcome exit_hlt(struct vcpu *vcpu)
{
    guest_advance();
    return vcpu_stop(vcpu, STOP_HALTED, 0, NULL);
}
