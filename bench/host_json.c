/* SPDX-License-Identifier: MIT */
/*
 * run.json's "host": the machine that exitmeter itself ran on, as its kernel describes it.
 */
#include "facts_json.h"
#include "system_files.h"
#include "text.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#define CPU "/sys/devices/system/cpu/"

/* Takes the text; null and why where there is none. */
static void set(json_t *json, const char *key, char *value, const char *absent)
{
    json_object_set_new(json, key, value ? fact_string(value) : json_null());
    if (!value) {
        char *name = text("%s_absent", key);
        json_object_set_new(json, name, json_string(absent));
        free(name);
    }
    free(value);
}

/* "on" or "off" from the file that says it; inverted: where 1 says off. */
static char *on_off(const char *path, bool inverted)
{
    char *value = system_line(path), *word = NULL;
    if (value && (*value == '0' || *value == '1'))
        word = text("%s", (*value == '1') != inverted ? "on" : "off");
    free(value);
    return word;
}

static char *turbo(void)
{
    char *word = on_off(CPU "intel_pstate/no_turbo", true);
    return word ? word : on_off(CPU "cpufreq/boost", false);
}

/* By vulnerability, what the kernel does against it. */
static json_t *mitigations(void)
{
    char *pattern = system_path(CPU "vulnerabilities/*");
    size_t root = strlen(pattern) - strlen(CPU "vulnerabilities/*");
    json_t *list = json_object();
    glob_t found;
    if (glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            char *line = system_line(found.gl_pathv[i] + root);
            if (line)
                json_object_set_new(list, strrchr(found.gl_pathv[i], '/') + 1, fact_string(line));
            free(line);
        }
        globfree(&found);
    }
    free(pattern);
    if (json_object_size(list) > 0)
        return list;
    json_decref(list);
    return NULL;
}

json_t *fact_host(void)
{
    struct utsname name;
    char *model = system_cpuinfo("model name");

    uname(&name);
    json_t *host = json_pack("{s:o, s:o, s:o}", "hostname", fact_string(name.nodename), "kernel",
                             fact_string(name.release), "cpu", fact_string(model ? model : ""));
    free(model);
    set(host, "stepping", system_cpuinfo("stepping"), "/proc/cpuinfo does not say it");
    set(host, "microcode", system_cpuinfo("microcode"), "/proc/cpuinfo does not say it");
    set(host, "mhz", system_cpuinfo("cpu MHz"), "/proc/cpuinfo does not say it");
    set(host, "governor", system_line(CPU "cpu0/cpufreq/scaling_governor"),
        "this kernel sets no frequency");
    set(host, "turbo", turbo(), "this kernel sets no frequency");
    set(host, "smt", on_off(CPU "smt/active", false), "this kernel does not say it");
    json_object_set_new(host, "virtual", json_boolean(system_cpu_flag("hypervisor")));
    json_t *list = mitigations();
    json_object_set_new(host, "mitigations", list ? list : json_null());
    if (!list)
        json_object_set_new(host, "mitigations_absent",
                            json_string("this kernel does not say them"));
    return host;
}
