/* SPDX-License-Identifier: MIT */
#include "pmu_wanted.h"

#include "exit_code.h"
#include "nearest.h"
#include "target.h"
#include "text.h"

#include <stdlib.h>

const struct pmu_model *pmu_model_wanted(const char *command, const char *name, int *code)
{
    char *error;
    *code = CODE_UNAVAILABLE;
    if (!pmu_library_open(&error)) {
        say("%s: %s", command, error);
        free(error);
        return NULL;
    }
    *code = CODE_USAGE;
    const char *wanted = name ? name : target_pmu_model(targets[0], targets[0]->cpu_models[0]);
    const struct pmu_model *model = pmu_model_find(wanted);
    pfm_pmu_info_t info;
    if (!model) {
        const char **names = zeroed(pmu_model_count, sizeof(*names));
        for (size_t i = 0; i < pmu_model_count; i++)
            names[i] = pmu_models[i].name;
        char *hint = nearest_hint(wanted, names, pmu_model_count);
        say("%s: unknown PMU model '%s'%s", command, wanted, hint);
        free(hint);
        free(names);
    } else if (!pmu_model_info(model, &info)) {
        say("%s: the libpfm here does not have PMU model %s", command, wanted);
        *code = CODE_UNAVAILABLE;
        model = NULL;
    }
    return model;
}
