/* SPDX-License-Identifier: MIT */
#include "pmu_correction.h"

#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define MSR_PEBS_FRONTEND 0x3f7u

static const struct pmu_correction corrections[] = {
    /* Given libpfm's sign for a fixed counter, which is another event's at that. */
    {" icl icx spr ", "TOPDOWN:BACKEND_BOUND_SLOTS", 0x02a4, 0, 0},
    {" spr ", "TOPDOWN:BAD_SPEC_SLOTS", 0x04a4, 0, 0},
    {" icl icx spr ", "TOPDOWN:BR_MISPREDICT_SLOTS", 0x08a4, 0, 0},
    {" spr ", "TOPDOWN:MEMORY_BOUND_SLOTS", 0x10a4, 0, 0},
    {" glm ", "CPU_CLK_UNHALTED:CORE_P", 0x003c, 0, 0},
    {" glm ", "CPU_CLK_UNHALTED:REF", 0x013c, 0, 0},
    {" spr ", "INST_RETIRED:ANY", 0x0100, 0, 0},
    /* The value of the extra MSR taken for the unit mask, and the other way round. */
    {" spr ", "INT_MISC:UNKNOWN_BRANCH_CYCLES", 0x40ad, MSR_PEBS_FRONTEND, 0x7},
    {" spr ", "UOPS_RETIRED:MS", 0x04c2, MSR_PEBS_FRONTEND, 0x8},
    {" spr ", "EXE:AMX_BUSY", 0x02b7, 0, 0},
    /* Another event, unit mask or counter mask. */
    {" spr ", "ARITH:IDIV_ACTIVE", 0x010008b0, 0, 0},
    {" spr ", "MEM_TRANS_RETIRED:STORE_SAMPLE", 0x02cd, 0, 0},
    {" icl icx ", "MEM_LOAD_MISC_RETIRED:UC", 0x04d4, 0, 0},
    {" hsw hsw_ep bdw bdw_ep ", "L2_RQSTS:DEMAND_DATA_RD_HIT", 0xc124, 0, 0},
    {" hsw hsw_ep bdw bdw_ep ", "L2_RQSTS:DEMAND_RFO_HIT", 0xc224, 0, 0},
    {" hsw hsw_ep bdw bdw_ep ", "L2_RQSTS:CODE_RD_HIT", 0xc424, 0, 0},
    {" hsw hsw_ep bdw bdw_ep ", "L2_RQSTS:PF_HIT", 0xd024, 0, 0},
    {" hsw hsw_ep bdw bdw_ep ", "L2_RQSTS:PF_MISS", 0x3024, 0, 0},
    {" snb snb_ep ", "BR_INST_RETIRED:ALL_BRANCHES", 0x00c4, 0, 0},
    {" snb snb_ep ", "BR_MISP_RETIRED:ALL_BRANCHES", 0x00c5, 0, 0},
    {" ivb ivb_ep ", "MOVE_ELIMINATION:INT_ELIMINATED", 0x0158, 0, 0},
    {" ivb ivb_ep ", "MOVE_ELIMINATION:INT_NOT_ELIMINATED", 0x0458, 0, 0},
    {" ivb_ep ", "MEM_LOAD_UOPS_LLC_MISS_RETIRED:LOCAL_DRAM", 0x03d3, 0, 0},
    {" nhm nhm_ex ", "MACRO_INSTS:FUSIONS_DECODED", 0x01a6, 0, 0},
};

/* Whether full_name is this event with this unit mask alone: what follows are modifiers. */
static bool names(const char *full_name, const char *event)
{
    size_t length = strlen(event);
    if (strncmp(full_name, event, length) != 0 || full_name[length] != ':')
        return false;
    const char *next = full_name + length + 1;
    return next[strcspn(next, ":=")] == '=';
}

const struct pmu_correction *pmu_correction_find(const char *model, const char *full_name)
{
    const struct pmu_correction *found = NULL;
    char *word = text(" %s ", model);
    for (size_t i = 0; i < sizeof(corrections) / sizeof(corrections[0]); i++)
        if (strstr(corrections[i].models, word) && names(full_name, corrections[i].event))
            found = &corrections[i];
    free(word);
    return found;
}
