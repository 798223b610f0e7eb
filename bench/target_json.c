/* SPDX-License-Identifier: MIT */
#include "target_json.h"

#include "requirement.h"
#include "target.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>

json_t *targets_json(void)
{
    json_t *list = json_array();
    for (size_t i = 0; i < target_count; i++) {
        const struct target *target = targets[i];
        const struct requirement *unmet = requirement_unmet(target->needs);
        char *advice = !target->boot ? text("%s", target->elsewhere)
                       : unmet       ? requirement_advice(unmet)
                                     : text("%s", "");
        json_t *models = json_array();
        for (const char *const *model = target->cpu_models; *model; model++)
            json_array_append_new(models, json_string(*model));
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:b, s:s, s:s, s:s, s:o}", "name", target->name,
                            "description", target->description, "unit", target->unit, "available",
                            target->boot && !unmet, "missing", unmet ? unmet->name : "", "package",
                            unmet && unmet->package ? unmet->package : "", "what_to_do", advice,
                            "cpu_models", models));
        free(advice);
    }
    return list;
}

void target_json_print_missing(const json_t *target, int indent)
{
    const char *missing = json_string_value(json_object_get(target, "missing"));

    if (!json_is_true(json_object_get(target, "available")))
        printf("%*snot here: %s%s%s%s\n", indent, "", *missing ? "no " : "", missing,
               *missing ? "; " : "", json_string_value(json_object_get(target, "what_to_do")));
}
