/* SPDX-License-Identifier: MIT */
#include "validity.h"

#include "text.h"

#include <inttypes.h>
#include <stdlib.h>

bool validity_sound(struct job_validity *validity)
{
    if (!(validity->verdict & VALIDITY_JUDGED) || validity->verdict & ~VALIDITY_ALL)
        return false;
    for (int i = 0; i < VALIDITY_MOMENTS; i++)
        if (validity->readings[i].flags &
            ~(VALIDITY_HAS_CLOCKS | VALIDITY_HAS_SMI_COUNT | VALIDITY_HAS_NMI_COUNT))
            return false;
    validity->clocks_absent[VALIDITY_TEXT_SIZE - 1] = '\0';
    validity->smis_absent[VALIDITY_TEXT_SIZE - 1] = '\0';
    printable(validity->clocks_absent);
    printable(validity->smis_absent);
    return true;
}

static json_t *value(uint64_t number, uint32_t there)
{
    return there ? json_integer((json_int_t)number) : json_null();
}

static json_t *readings_json(const struct job_validity *validity)
{
    json_t *list = json_array();
    for (int i = 0; i < VALIDITY_MOMENTS; i++) {
        const struct validity_reading *reading = &validity->readings[i];
        uint32_t clocks = reading->flags & VALIDITY_HAS_CLOCKS;
        json_array_append_new(
            list, json_pack("{s:I, s:o, s:o, s:o, s:o}", "tsc", (json_int_t)reading->tsc, "aperf",
                            value(reading->aperf, clocks), "mperf", value(reading->mperf, clocks),
                            "smi_count",
                            value(reading->smi_count, reading->flags & VALIDITY_HAS_SMI_COUNT),
                            "nmi_count",
                            value(reading->nmi_count, reading->flags & VALIDITY_HAS_NMI_COUNT)));
    }
    return list;
}

static json_t *ratios_json(const struct job_validity *validity, int phase)
{
    return json_pack("{s:I, s:I}", "core_per_mille", (json_int_t)validity->core_per_mille[phase],
                     "awake_per_mille", (json_int_t)validity->awake_per_mille[phase]);
}

/* The verdict in words, a line each. */
static json_t *disturbed_json(const struct job_validity *validity)
{
    json_t *list = json_array();
    if (validity->verdict & VALIDITY_SMI)
        json_array_append_new(list, json_sprintf("%" PRIu32 " SMI%s during the job", validity->smis,
                                                 validity->smis == 1 ? "" : "s"));
    if (validity->verdict & VALIDITY_NMI)
        json_array_append_new(list, json_sprintf("%" PRIu32 " NMI%s between VM exits and VM "
                                                 "entries, or outside of guests",
                                                 validity->nmis, validity->nmis == 1 ? "" : "s"));
    if (validity->verdict & VALIDITY_FREQUENCY)
        json_array_append_new(list, json_sprintf("the core clock changed from %" PRIu32 " to "
                                                 "%" PRIu32 " cycles of 1000 TSC ticks between the "
                                                 "control and the operation",
                                                 validity->core_per_mille[0],
                                                 validity->core_per_mille[1]));
    if (validity->verdict & VALIDITY_TSC)
        json_array_append_new(
            list, json_string("the TSC went backwards, or slower than IA32_MPERF at its rate"));
    return list;
}

json_t *validity_json(const struct job_validity *validity)
{
    if (!(validity->verdict & VALIDITY_JUDGED))
        return json_null();
    uint32_t flags = validity->readings[VALIDITY_AFTER_OP].flags;
    json_t *json = json_pack("{s:o, s:o, s:o, s:o}", "disturbed", disturbed_json(validity), "smis",
                             value(validity->smis, !*validity->smis_absent), "nmis",
                             value(validity->nmis, flags & VALIDITY_HAS_NMI_COUNT), "readings",
                             readings_json(validity));
    if (*validity->smis_absent)
        json_object_set_new(json, "smis_absent", json_string(validity->smis_absent));
    if (*validity->clocks_absent) {
        json_object_set_new(json, "clocks", json_null());
        json_object_set_new(json, "clocks_absent", json_string(validity->clocks_absent));
        return json;
    }
    json_object_set_new(json, "clocks",
                        json_pack("{s:o, s:o}", "control", ratios_json(validity, 0), "op",
                                  ratios_json(validity, 1)));
    return json;
}
