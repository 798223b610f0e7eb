/* SPDX-License-Identifier: MIT */
#include "requirement_machine.h"

#include "system_files.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FEATURE_CONTROL        0x3a
#define FEATURE_CONTROL_LOCKED 1u
#define FEATURE_CONTROL_VMX    4u /* outside SMX */

#define PERF_PARANOID_MOST 1 /* that lets everybody count in the kernel */

enum requirement_status check_cpu_flag(const struct requirement *requirement, char **found)
{
    if (!system_cpu_flag(requirement->argument))
        return REQUIREMENT_ABSENT;
    *found = text("flag %s in /proc/cpuinfo", requirement->argument);
    return REQUIREMENT_OK;
}

enum requirement_status check_device(const struct requirement *requirement, char **found)
{
    char *path = system_path(requirement->argument);
    enum requirement_status status = access(path, F_OK) != 0          ? REQUIREMENT_ABSENT
                                     : access(path, R_OK | W_OK) != 0 ? REQUIREMENT_MISSING
                                                                      : REQUIREMENT_OK;
    if (status == REQUIREMENT_OK)
        *found = text("%s", requirement->argument);
    free(path);
    return status;
}

static bool read_msr(uint32_t msr, uint64_t *value)
{
    char *path = system_path("/dev/cpu/0/msr");
    int file = open(path, O_RDONLY | O_CLOEXEC);
    bool read = file >= 0 && pread(file, value, sizeof(*value), msr) == sizeof(*value);
    if (file >= 0)
        close(file);
    free(path);
    return read;
}

enum requirement_status check_firmware_lock(const struct requirement *requirement, char **found)
{
    uint64_t value;
    (void)requirement;
    if (!read_msr(FEATURE_CONTROL, &value)) {
        /* Linux takes the flag away where the firmware has locked VMX off. */
        if (!system_cpu_flag("vmx"))
            return REQUIREMENT_ABSENT;
        *found = text("by /proc/cpuinfo; /dev/cpu/0/msr would say more (modprobe msr, as root)");
        return REQUIREMENT_OK;
    }
    bool locked = value & FEATURE_CONTROL_LOCKED, on = value & FEATURE_CONTROL_VMX;
    *found = text("IA32_FEATURE_CONTROL is 0x%" PRIx64 ": %s, VMX %s", value,
                  locked ? "locked" : "not locked", on ? "on" : "off");
    return locked && !on ? REQUIREMENT_MISSING : REQUIREMENT_OK;
}

enum requirement_status check_nesting(const struct requirement *requirement, char **found)
{
    static const char *const modules[] = {"kvm_intel", "kvm_amd"};
    (void)requirement;
    for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
        char *value = system_module(modules[i], "nested");
        if (!value)
            continue;
        bool on = *value == 'Y' || *value == '1';
        *found = text("%s nested=%s", modules[i], value);
        free(value);
        return !on ? REQUIREMENT_MISSING : i ? REQUIREMENT_ABSENT : REQUIREMENT_OK;
    }
    return REQUIREMENT_ABSENT;
}

enum requirement_status check_pmu(const struct requirement *requirement, char **found)
{
    static const char *const units[] = {"cpu", "cpu_core"}; /* the second where cores differ */
    (void)requirement;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]) && !*found; i++) {
        char *path = text("/sys/bus/event_source/devices/%s", units[i]);
        if (system_exists(path))
            *found = text("%s", path);
        free(path);
    }
    return *found ? REQUIREMENT_OK : REQUIREMENT_ABSENT;
}

enum requirement_status check_perf(const struct requirement *requirement, char **found)
{
    char *level = system_line("/proc/sys/kernel/perf_event_paranoid");
    (void)requirement;
    if (!level)
        return REQUIREMENT_ABSENT;
    bool everybody = atoi(level) <= PERF_PARANOID_MOST, root = geteuid() == 0;
    *found = text("kernel.perf_event_paranoid is %s%s", level,
                  everybody ? ""
                  : root    ? ", but root may"
                            : "");
    free(level);
    return everybody || root ? REQUIREMENT_OK : REQUIREMENT_MISSING;
}

enum requirement_status check_setting(const struct requirement *requirement, char **found)
{
    const char *argument = requirement->argument;
    size_t length = strcspn(argument, " ");
    const char *wanted = argument + length + strspn(argument + length, " ");
    char *path = text("%.*s", (int)length, argument), *value = system_line(path);
    enum requirement_status status = REQUIREMENT_OK;

    *found = value ? text("%s is %s", path, value) : text("this kernel has no %s", path);
    if (value && strcmp(value, wanted) != 0)
        status = REQUIREMENT_NOTE;
    free(value);
    free(path);
    return status;
}

enum requirement_status check_mitigations(const struct requirement *requirement, char **found)
{
    static const char directory[] = "/sys/devices/system/cpu/vulnerabilities/";
    char *pattern = system_path("/sys/devices/system/cpu/vulnerabilities/*"), *names = NULL;
    size_t root = strlen(pattern) - strlen(directory) - 1;
    glob_t all;
    (void)requirement;

    if (glob(pattern, 0, NULL, &all) == 0) {
        for (size_t i = 0; i < all.gl_pathc; i++) {
            char *line = system_line(all.gl_pathv[i] + root);
            if (line && strncmp(line, "Mitigation", strlen("Mitigation")) == 0) {
                char *longer = text("%s%s%s", names ? names : "on: ", names ? ", " : "",
                                    strrchr(all.gl_pathv[i], '/') + 1);
                free(names);
                names = longer;
            }
            free(line);
        }
        globfree(&all);
    }
    free(pattern);
    *found = names ? names : text("none is on");
    return names ? REQUIREMENT_NOTE : REQUIREMENT_OK;
}

enum requirement_status check_bare_metal(const struct requirement *requirement, char **found)
{
    (void)requirement;
    bool virtual = system_cpu_flag("hypervisor");
    *found = virtual ? text("flag hypervisor in /proc/cpuinfo") : text("no hypervisor");
    return virtual ? REQUIREMENT_NOTE : REQUIREMENT_OK;
}
