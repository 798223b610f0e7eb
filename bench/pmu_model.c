/* SPDX-License-Identifier: MIT */
#include "pmu_model.h"

#include "text.h"

#include <stdlib.h>
#include <string.h>

/*
 * Left out of what libpfm has: CPUs without VMX or without architectural performance monitoring,
 * and Bonnell (atom), whose encodings differ from Intel's list in too many places.
 */
const struct pmu_model pmu_models[] = {
    {"core", 2, 3, pmu_restrictions_core},
    {"nhm", 4, 3, pmu_restrictions_nhm},
    {"nhm_ex", 4, 3, pmu_restrictions_nhm},
    {"wsm", 4, 3, pmu_restrictions_wsm},
    {"wsm_dp", 4, 3, pmu_restrictions_wsm},
    {"snb", 4, 3, pmu_restrictions_snb},
    {"snb_ep", 4, 3, pmu_restrictions_snb},
    {"ivb", 4, 3, pmu_restrictions_ivb},
    {"ivb_ep", 4, 3, pmu_restrictions_ivb},
    {"hsw", 4, 3, pmu_restrictions_ivb},
    {"hsw_ep", 4, 3, pmu_restrictions_ivb},
    {"bdw", 4, 3, pmu_restrictions_ivb},
    {"bdw_ep", 4, 3, pmu_restrictions_ivb},
    {"skl", 4, 3, pmu_restrictions_skl},
    {"skx", 4, 3, pmu_restrictions_skl},
    {"clx", 4, 3, pmu_restrictions_skl},
    {"icl", 8, 4, pmu_restrictions_icl},
    {"icx", 8, 4, pmu_restrictions_icl},
    {"spr", 8, 4, pmu_restrictions_spr},
    {"slm", 2, 3, NULL},
    {"glm", 4, 3, NULL},
    {"tmt", 4, 3, NULL},
    {"knl", 2, 3, NULL},
    {"knm", 2, 3, NULL},
};

const size_t pmu_model_count = sizeof(pmu_models) / sizeof(pmu_models[0]);

/*
 * Display models of family 06H, after Intel's list of event lists by family and model. Where that
 * has a list of its own for what libpfm does not tell apart (Tiger Lake, Rocket Lake, Emerald
 * Rapids, Goldmont Plus), the core is the same but for a few events.
 */
static const struct {
    uint8_t model, stepping_first, stepping_last;
    const char *name;
} signatures[] = {
    {0x0f, 0, 15, "core"},   {0x16, 0, 15, "core"},   {0x17, 0, 15, "core"},
    {0x1d, 0, 15, "core"},   {0x1a, 0, 15, "nhm"},    {0x1e, 0, 15, "nhm"},
    {0x1f, 0, 15, "nhm"},    {0x2e, 0, 15, "nhm_ex"}, {0x25, 0, 15, "wsm"},
    {0x2c, 0, 15, "wsm_dp"}, {0x2f, 0, 15, "wsm_dp"}, {0x2a, 0, 15, "snb"},
    {0x2d, 0, 15, "snb_ep"}, {0x3a, 0, 15, "ivb"},    {0x3e, 0, 15, "ivb_ep"},
    {0x3c, 0, 15, "hsw"},    {0x45, 0, 15, "hsw"},    {0x46, 0, 15, "hsw"},
    {0x3f, 0, 15, "hsw_ep"}, {0x3d, 0, 15, "bdw"},    {0x47, 0, 15, "bdw"},
    {0x4f, 0, 15, "bdw_ep"}, {0x56, 0, 15, "bdw_ep"}, {0x4e, 0, 15, "skl"},
    {0x5e, 0, 15, "skl"},    {0x8e, 0, 15, "skl"},    {0x9e, 0, 15, "skl"},
    {0xa5, 0, 15, "skl"},    {0xa6, 0, 15, "skl"},    {0x55, 0, 4, "skx"},
    {0x55, 5, 15, "clx"},    {0x7d, 0, 15, "icl"},    {0x7e, 0, 15, "icl"},
    {0x8c, 0, 15, "icl"},    {0x8d, 0, 15, "icl"},    {0xa7, 0, 15, "icl"},
    {0x6a, 0, 15, "icx"},    {0x6c, 0, 15, "icx"},    {0x8f, 0, 15, "spr"},
    {0xcf, 0, 15, "spr"},    {0x37, 0, 15, "slm"},    {0x4a, 0, 15, "slm"},
    {0x4c, 0, 15, "slm"},    {0x4d, 0, 15, "slm"},    {0x5a, 0, 15, "slm"},
    {0x5c, 0, 15, "glm"},    {0x5f, 0, 15, "glm"},    {0x7a, 0, 15, "glm"},
    {0x86, 0, 15, "tmt"},    {0x96, 0, 15, "tmt"},    {0x9c, 0, 15, "tmt"},
    {0x57, 0, 15, "knl"},    {0x85, 0, 15, "knm"},
};

const struct pmu_model *pmu_model_find(const char *name)
{
    for (size_t i = 0; i < pmu_model_count; i++)
        if (strcmp(name, pmu_models[i].name) == 0)
            return &pmu_models[i];
    return NULL;
}

const struct pmu_model *pmu_model_of_signature(uint32_t cpuid_1_eax)
{
    uint32_t stepping = cpuid_1_eax & 0xf, family = cpuid_1_eax >> 8 & 0xf;
    /* For family 06H the extended model counts, the extended family does not. */
    uint32_t display_model = (cpuid_1_eax >> 4 & 0xf) | (cpuid_1_eax >> 16 & 0xf) << 4;
    for (size_t i = 0; family == 6 && i < sizeof(signatures) / sizeof(signatures[0]); i++)
        if (signatures[i].model == display_model && stepping >= signatures[i].stepping_first &&
            stepping <= signatures[i].stepping_last)
            return pmu_model_find(signatures[i].name);
    return NULL;
}

bool pmu_library_open(char **error)
{
    static bool open;
    if (open)
        return true;
    /* Set for other tools, it would take our models away. */
    unsetenv("LIBPFM_DISABLED_PMUS");
    setenv("LIBPFM_ENCODE_INACTIVE", "1", 1);
    int code = pfm_initialize();
    open = code == PFM_SUCCESS;
    if (!open)
        *error = text("libpfm does not start: %s", pfm_strerror(code));
    return open;
}

bool pmu_model_info(const struct pmu_model *model, pfm_pmu_info_t *info)
{
    pfm_pmu_t pmu;
    pfm_for_all_pmus(pmu)
    {
        *info = (pfm_pmu_info_t){.size = sizeof(*info)};
        if (pfm_get_pmu_info(pmu, info) == PFM_SUCCESS && strcmp(info->name, model->name) == 0)
            return true;
    }
    return false;
}
