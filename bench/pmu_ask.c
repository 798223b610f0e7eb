/* SPDX-License-Identifier: MIT */
#include "pmu_ask.h"

#include "pmu_architectural.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

int pmu_ask(const char *item, const struct pmu_model *model, uint64_t codes[2], char **full)
{
    uint64_t *given = NULL;
    char *name = text("%s::%s", model->name, item), *found = NULL;
    pfm_pmu_encode_arg_t argument = {.codes = given, .fstr = &found, .size = sizeof(argument)};
    int code = pfm_get_os_event_encoding(name, PFM_PLM0, PFM_OS_NONE, &argument);
    *full = NULL;
    codes[0] = codes[1] = 0;
    if (code == PFM_SUCCESS && argument.count >= 1 && argument.count <= 2) {
        codes[0] = argument.codes[0];
        codes[1] = argument.count == 2 ? argument.codes[1] : 0;
        const char *colons = strstr(found, "::");
        *full = text("%s", colons ? colons + 2 : found);
    } else if (code == PFM_SUCCESS) {
        code = PFM_ERR_NOTSUPP;
    }
    free(argument.codes);
    free(found);
    free(name);
    return code;
}

bool pmu_event_exists(const char *name, const struct pmu_model *model)
{
    const struct pmu_architectural *generic = pmu_architectural_find(name, strcspn(name, ":."));
    uint64_t codes[2];
    char *full;
    if (generic)
        return pmu_architectural_on(generic, model);
    bool exists = pmu_ask(name, model, codes, &full) == PFM_SUCCESS;
    free(full);
    return exists;
}
