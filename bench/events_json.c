/* SPDX-License-Identifier: MIT */
#include "events_json.h"

#include <inttypes.h>

static const char *const side_names[PLAN_SIDES] = {[PLAN_HOST] = "host", [PLAN_GUEST] = "guest"};

const char *events_absent(const struct experiment *experiment, const struct results *results,
                          size_t event, enum plan_side side)
{
    const struct pmu_slot *slot = &experiment->pmu.slots[event][side];
    const char *absent = NULL;

    for (size_t i = 0; i < experiment_all_jobs(experiment); i++) {
        const struct event_result *result = &results->jobs[i].events[side][slot->place].result;
        if (experiment->jobs[i].plan.group != slot->group || result->state == EVENT_NONE)
            continue;
        if (result->state == EVENT_COUNTED)
            return NULL;
        absent = result->absent;
    }
    return absent;
}

/* Where an event counts on one side, or was to. */
static json_t *slot_json(const struct experiment *experiment, const struct results *results,
                         size_t event, enum plan_side side)
{
    const struct pmu_slot *slot = &experiment->pmu.slots[event][side];
    const char *absent = events_absent(experiment, results, event, side);
    json_t *json = json_pack("{s:i, s:i, s:s}", "group", (int)slot->group, "place",
                             (int)slot->place, "counter_kind", slot->fixed ? "fixed" : "general");

    if (absent)
        json_object_set_new(json, "absent", json_string(absent));
    return json;
}

json_t *pmu_json(const struct experiment *experiment, const struct results *results)
{
    const struct pmu_groups *pmu = &experiment->pmu;
    json_t *list = json_array();

    if (!pmu->group_count) {
        json_decref(list);
        return json_null();
    }
    for (size_t i = 0; i < pmu->event_count; i++) {
        const struct pmu_event *event = &pmu->events[i];
        json_t *json =
            json_pack("{s:s, s:s, s:o}", "name", event->name, "full_name", event->full_name,
                      "selector", json_sprintf("0x%09" PRIx64, event->selector));
        if (event->extra_msr) {
            json_object_set_new(json, "extra_msr", json_sprintf("0x%" PRIx32, event->extra_msr));
            json_object_set_new(json, "extra_value",
                                json_sprintf("0x%" PRIx64, event->extra_value));
        }
        for (int side = 0; side < PLAN_SIDES; side++)
            json_object_set_new(json, side_names[side],
                                slot_json(experiment, results, i, (enum plan_side)side));
        json_array_append_new(list, json);
    }
    const struct pmu_model *detected =
        results->readable ? pmu_model_of_signature(results->header.machine.signature) : NULL;
    return json_pack("{s:s, s:o, s:i, s:o}", "model", pmu->model->name, "model_by_signature",
                     detected ? json_string(detected->name) : json_null(), "groups",
                     (int)pmu->group_count, "events", list);
}

json_t *events_json(const struct experiment *experiment, const struct job *job,
                    const struct job_outcome *outcome)
{
    json_t *list = json_array();

    for (int side = 0; job->plan.group && side < PLAN_SIDES; side++)
        for (uint32_t place = 0; place < PROBE_EVENTS; place++) {
            const struct event_outcome *event = &outcome->events[side][place];
            const char *name =
                pmu_groups_name(&experiment->pmu, job->plan.group, (enum plan_side)side, place);
            if (!name || event->result.state == EVENT_NONE)
                continue;
            json_t *json = json_pack("{s:s, s:s, s:i}", "name", name, "side", side_names[side],
                                     "place", (int)place);
            if (event->result.state == EVENT_ABSENT) {
                json_object_set_new(json, "absent", json_string(event->result.absent));
            } else {
                json_object_set_new(json, "rdpmc",
                                    json_sprintf("0x%08" PRIx32, event->result.rdpmc));
                json_object_set_new(json, "mask",
                                    json_sprintf("0x%016" PRIx64, event->result.mask));
            }
            if (event->has_mean)
                json_object_set_new(json, "mean_per_exit", json_real(event->mean));
            if (event->result.msr)
                json_object_set_new(json, "msr", json_sprintf("0x%" PRIx32, event->result.msr));
            json_array_append_new(list, json);
        }
    return list;
}
