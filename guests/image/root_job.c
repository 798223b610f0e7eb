/* SPDX-License-Identifier: MIT */
#include "root_job.h"

#include "driver.h"
#include "fold.h"
#include "root_operation.h"
#include "validity.h"

static void run_phase(struct results_header *results, const struct plan_job *job, enum phase phase,
                      root_code *code, struct root_operands *operands, struct phase_result *out)
{
    const struct phase_places at = phase_places(job, phase);
    struct sample *samples = (struct sample *)((char *)results + at.samples);
    struct phase_folded *folded = (struct phase_folded *)((char *)results + at.folded);
    bool folds = phase_folded_size(job, phase);

    out->samples = phase_samples(job, phase);
    out->samples_offset = at.samples;
    out->folded_offset = folds ? at.folded : 0;
    for (uint32_t round = 0; round < phase_rounds(job, phase); round++) {
        code(samples, out->samples, operands);
        if (folds)
            fold_round(folded, samples, out->samples, NULL, 0, 0);
    }
}

enum result_status root_job_run(struct room *room, const struct plan_job *job,
                                struct job_result *result, const char **reason)
{
    const struct root_operation *operation = root_operation_find(job->benchmark);
    struct root_operands operands;

    *reason = "no such root operation in the image";
    if (!operation)
        return RESULT_FAILED;
    *reason = root_operation_lacks(operation, room->vcpu->capability);
    if (*reason)
        return RESULT_SKIPPED;
    *reason = "no VMCS for an operation in VMX root operation";
    if (vcpu_bind(room->vcpu) || !root_operands_make(&operands, room->vcpu, &room->ept))
        return RESULT_FAILED;
    bool failed = operation->fails(&operands);
    for (int phase = 0; !failed && phase < PHASE_COUNT; phase++) {
        validity_note(&result->validity, (enum phase)phase);
        run_phase(room->driver->results, job, (enum phase)phase,
                  operation->code[phase_code((enum phase)phase)], &operands,
                  &result->phases[phase]);
    }
    *reason = "the vCPU's VMCS cannot be made current again";
    if (!root_operands_end(&operands, room->vcpu))
        return RESULT_FAILED;
    *reason = failed ? "the instruction failed: VMfail" : NULL;
    return failed ? RESULT_FAILED : RESULT_DONE;
}
