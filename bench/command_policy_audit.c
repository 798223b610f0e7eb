/* SPDX-License-Identifier: MIT */
/*
 * policy audit: what a policy lets a guest do to its host or its neighbours.
 */
#include "nearest.h"
#include "policy_audit.h"
#include "policy_command.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *findings_json(const struct audit_finding *findings, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s, s:s, s:s}", "severity",
                                        severity_names[findings[i].severity], "item",
                                        findings[i].item, "access", findings[i].access, "what",
                                        findings[i].what, "source", findings[i].source));
    return list;
}

static json_t *never_json(void)
{
    json_t *list = json_array();
    for (size_t i = 0; i < audit_never_count; i++)
        json_array_append_new(
            list, json_pack("{s:I, s:I, s:s, s:s}", "first", (json_int_t)audit_never[i].first,
                            "last", (json_int_t)audit_never[i].last, "names", audit_never[i].names,
                            "source", audit_never[i].source));
    return list;
}

static void print_never(void)
{
    printf("never passes, whatever a policy says: the CPU writes to memory by it:");
    for (size_t i = 0; i < audit_never_count; i++)
        printf(audit_never[i].first == audit_never[i].last ? "%s 0x%x" : "%s 0x%x-0x%x",
               i ? "," : "", audit_never[i].first, audit_never[i].last);
    putchar('\n');
}

#define SHOWN_TOGETHER 4u

/* How many findings, this one included, say the same of one thing after another. */
static size_t alike(const struct audit_finding *findings, size_t count)
{
    size_t same = 1;
    while (same < count && findings[same].severity == findings[0].severity &&
           findings[same].what == findings[0].what &&
           strcmp(findings[same].access, findings[0].access) == 0)
        same++;
    return same;
}

static void print_alike(const struct audit_finding *findings, size_t count)
{
    size_t shown = count > SHOWN_TOGETHER + 1 ? SHOWN_TOGETHER : count;
    printf("%-9s ", severity_names[findings->severity]);
    for (size_t i = 0; i < shown; i++)
        printf("%s%s", i ? ", " : "", findings[i].item);
    if (shown < count)
        printf(" and %zu ranges more", count - shown);
    printf("%s%s: %s [%s]\n", *findings->access ? " " : "", findings->access, findings->what,
           findings->source);
}

static void print_text(const char *name, const struct audit_finding *findings, size_t count)
{
    size_t counts[SEVERITIES] = {0};
    for (size_t i = 0; i < count; i++)
        counts[findings[i].severity]++;
    for (size_t i = 0, same; i < count; i += same) {
        same = alike(findings + i, count - i);
        print_alike(findings + i, same);
    }
    printf("%s: %zu findings: %zu critical, %zu high, %zu medium, %zu low, %zu info\n", name, count,
           counts[SEVERITY_CRITICAL], counts[SEVERITY_HIGH], counts[SEVERITY_MEDIUM],
           counts[SEVERITY_LOW], counts[SEVERITY_INFO]);
    print_never();
}

/* The severity of that name; SEVERITIES, having said so, if there is none. */
static enum severity severity_of(const struct command *command, const char *name)
{
    int severity = 0;
    while (severity < SEVERITIES && strcmp(name, severity_names[severity]) != 0)
        severity++;
    if (severity == SEVERITIES) {
        char *hint = nearest_hint(name, severity_names, SEVERITIES);
        say("%s: --max-severity is info, low, medium, high or critical, not '%s'%s", command->name,
            name, hint);
        free(hint);
    }
    return (enum severity)severity;
}

static int audit(const struct command *command, const char *name, enum severity most, bool json)
{
    struct policy policy;
    struct audit_finding *findings;
    if (!policy_wanted(command, name, &policy))
        return CODE_USAGE;
    size_t count = policy_audit(&policy.plan, &findings), above = 0;
    while (above < count && findings[above].severity > most) /* the worst come first */
        above++;
    if (json)
        policy_print(json_pack("{s:s, s:s, s:s, s:b, s:o, s:o}", "schema",
                               "exitmeter.policy-audit/1", "policy", policy.plan.name,
                               "max_severity", severity_names[most], "held", above == 0, "findings",
                               findings_json(findings, count), "never_passes", never_json()));
    else
        print_text(policy.plan.name, findings, count);
    fflush(stdout);
    if (above)
        say("%s: %s: %zu findings above %s", command->name, policy.plan.name, above,
            severity_names[most]);
    audit_free(findings, count);
    return above ? CODE_FAILED : CODE_DONE;
}

int command_policy_audit(const struct command *command, int argc, const char **argv)
{
    int json = 0, code;
    char *name = NULL, *most = NULL;
    const struct poptOption options[] = {
        {"max-severity", '\0', POPT_ARG_STRING, &most, 0,
         "fail if a finding is above it: info, low, medium, high, critical (the default)",
         "SEVERITY"},
        {"json", '\0', POPT_ARG_NONE, &json, 0, "print one JSON document", NULL},
        POPT_TABLEEND,
    };
    if (options_read_operand(command, argc, argv, options, "POLICY [OPTION]...", &name, &code)) {
        enum severity severity = most ? severity_of(command, most) : SEVERITY_CRITICAL;
        code = severity < SEVERITIES ? audit(command, name, severity, json) : CODE_USAGE;
    }
    free(name);
    free(most);
    return code;
}
