/* SPDX-License-Identifier: MIT */
#include "facts_json.h"

#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

json_t *fact_hex(unsigned digits, uint64_t value)
{
    return json_sprintf("0x%0*" PRIx64, (int)digits, value);
}

json_t *fact_string(const char *string)
{
    json_t *json = json_string(string);
    if (json)
        return json;
    char *safe = printable(text("%s", string));
    json = json_string(safe);
    free(safe);
    return json;
}

json_t *fact_command(const struct run_facts *facts)
{
    json_t *list = json_array();
    for (size_t i = 0; i < facts->command_count; i++)
        json_array_append_new(list, fact_string(facts->command[i]));
    return list;
}

json_t *fact_created(time_t created)
{
    char date[32];
    struct tm utc;
    gmtime_r(&created, &utc);
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &utc);
    return json_string(date);
}

json_t *fact_host(void)
{
    struct utsname name;
    char *line = NULL, *cpu = NULL;
    size_t size = 0;
    FILE *info = fopen("/proc/cpuinfo", "re");
    uname(&name);
    while (info && !cpu && getline(&line, &size, info) > 0)
        if (strncmp(line, "model name", 10) == 0 && strchr(line, ':')) {
            line[strcspn(line, "\n")] = '\0';
            cpu = text("%s", strchr(line, ':') + 1 + (strchr(line, ':')[1] == ' '));
        }
    if (info)
        fclose(info);
    free(line);
    json_t *host = json_pack("{s:o, s:o, s:o}", "hostname", fact_string(name.nodename), "kernel",
                             fact_string(name.release), "cpu", fact_string(cpu ? cpu : ""));
    free(cpu);
    return host;
}

/* Facts that the image did not get to report are left out. */
json_t *fact_machine(const struct run_facts *facts, const struct machine_facts *machine)
{
    json_t *json = json_pack("{s:s}", "cpu_model", facts->cpu_model);
    if (!machine)
        return json;
    const struct {
        const char *name;
        uint64_t value;
    } capabilities[] = {
        {"vmx_basic", machine->vmx_basic},
        {"pin_based", machine->pin_based},
        {"primary", machine->primary},
        {"secondary", machine->secondary},
        {"exit", machine->exit},
        {"entry", machine->entry},
        {"ept_vpid", machine->ept_vpid},
        {"misc", machine->misc},
        {"feature_control", machine->feature_control},
    };
    json_t *list = json_object();
    for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++)
        json_object_set_new(list, capabilities[i].name, fact_hex(16, capabilities[i].value));
    json_object_set_new(json, "vendor", json_string(machine->vendor));
    json_object_set_new(json, "brand", json_string(machine->brand));
    json_object_set_new(json, "signature", fact_hex(8, machine->signature));
    json_object_set_new(json, "memory_bytes", json_integer((json_int_t)machine->memory_bytes));
    if (!facts->monitor) /* else nothing of ours is in VMX operation, to ask */
        json_object_set_new(json, "capabilities", list);
    else
        json_decref(list);
    return json;
}

json_t *fact_controls(const struct controls_in_force *controls)
{
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:I, s:o}", "pin_based", fact_hex(8, controls->pin_based),
        "primary", fact_hex(8, controls->primary), "secondary", fact_hex(8, controls->secondary),
        "exit", fact_hex(8, controls->exit), "entry", fact_hex(8, controls->entry), "vpid",
        (json_int_t)controls->vpid, "ept_pointer", fact_hex(16, controls->ept_pointer));
}

int fact_write(const char *directory, json_t *json, size_t flags)
{
    char *dump = json ? json_dumps(json, flags | JSON_REAL_PRECISION(15)) : NULL;
    if (!dump)
        return -1;
    char *content = text("%s\n", dump), *path = text("%s/run.json", directory);
    int result = file_write(path, content, strlen(content));
    free(path);
    free(content);
    free(dump);
    json_decref(json);
    return result;
}
