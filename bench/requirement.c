/* SPDX-License-Identifier: MIT */
#include "requirement.h"

#include "kvm_device.h"
#include "kvm_facts.h"
#include "places.h"
#include "qemu.h"
#include "requirement_machine.h"
#include "text.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum requirement_status check_program(const struct requirement *requirement, char **found)
{
    *found = program_find(requirement->argument);
    return *found ? REQUIREMENT_OK : REQUIREMENT_MISSING;
}

/* argument: a glob pattern. */
static enum requirement_status check_file(const struct requirement *requirement, char **found)
{
    glob_t matches;
    struct stat status; /* glob() finds dangling links, too */
    if (glob(requirement->argument, 0, NULL, &matches) == 0) {
        for (size_t i = 0; i < matches.gl_pathc && !*found; i++)
            if (stat(matches.gl_pathv[i], &status) == 0)
                *found = text("%s", matches.gl_pathv[i]);
        globfree(&matches);
    }
    return *found ? REQUIREMENT_OK : REQUIREMENT_MISSING;
}

/* argument: a path below ROOT. */
static enum requirement_status check_built(const struct requirement *requirement, char **found)
{
    *found = place(requirement->argument);
    if (access(*found, R_OK) == 0)
        return REQUIREMENT_OK;
    free(*found);
    *found = NULL;
    return REQUIREMENT_MISSING;
}

static enum requirement_status check_module(const struct requirement *requirement, char **found)
{
    char line[64] = "";
    char *command = text("/usr/bin/python3 -c 'import %s; print(%s.__version__)' 2>/dev/null",
                         requirement->argument, requirement->argument);
    FILE *output = popen(command, "r");
    free(command);
    if (!output)
        return REQUIREMENT_MISSING;
    if (fgets(line, sizeof(line), output))
        line[strcspn(line, "\n")] = '\0';
    if (pclose(output) != 0)
        return REQUIREMENT_MISSING;
    *found = text("%s", printable(line));
    return REQUIREMENT_OK;
}

/* A KVM that has what the target takes; of what hardware it makes use, if of any. */
static enum requirement_status check_kvm(const struct requirement *requirement, char **found)
{
    char *why;
    int kvm = kvm_device_open(&why);
    (void)requirement;
    if (kvm < 0) {
        free(why);
        return REQUIREMENT_ABSENT;
    }
    close(kvm);
    char *name = kvm_facts_name();
    *found = text("%s; hardware: %s", name, kvm_facts_hardware());
    free(name);
    return REQUIREMENT_OK;
}

const struct requirement requirements[] = {
    {"Bochs", check_program, "bochs", "bochs", NULL, NEEDED_FOR_BOCHS},
    {"Bochs terminal display", check_file, "/usr/lib/*/bochs/plugins/libbx_term_gui.so",
     "bochs-term", NULL, NEEDED_FOR_BOCHS},
    {"BIOS image", check_file, "/usr/share/bochs/BIOS-bochs-latest", "bochsbios", NULL,
     NEEDED_FOR_BOCHS},
    {"VGA BIOS image", check_file, "/usr/share/bochs/VGABIOS-lgpl-latest", "vgabios", NULL,
     NEEDED_FOR_BOCHS},
    {"xorriso", check_program, "xorriso", "xorriso", NULL, NEEDED_FOR_BOCHS},
    {"core image", check_built, PLACE_IMAGE, NULL, "run `make`", 0},
    {"guest blob", check_built, PLACE_GUESTS, NULL, "run `make`", 0},
    {"GRUB boot image", check_built, PLACE_GRUB, NULL, "run `make`", NEEDED_FOR_BOCHS},
    {"gnuplot", check_program, "gnuplot", "gnuplot-nox", NULL, 0},
    {"python3", check_file, "/usr/bin/python3", "python3", NULL, 0},
    {"python3 numpy", check_module, "numpy", "python3-numpy", NULL, 0},
    {"python3 jinja2", check_module, "jinja2", "python3-jinja2", NULL, 0},
    {"VT-x", check_cpu_flag, "vmx", NULL,
     "this CPU does not offer it, or firmware or hypervisor hides it; target bochs needs none",
     NEEDED_FOR_NESTING},
    {"firmware lock", check_firmware_lock, NULL, NULL,
     "switch on VT-x (Intel Virtualization Technology) in the firmware's setup, and power the "
     "machine off and on",
     0},
    {"/dev/kvm", check_device, "/dev/kvm", NULL,
     "load kvm_intel or kvm_amd, or join the group kvm; target bochs needs none",
     NEEDED_FOR_KVM | NEEDED_FOR_NESTING | NEEDED_FOR_ACCELERATION},
    {"KVM", check_kvm, NULL, NULL,
     "use a kernel whose KVM has KVM_CAP_USER_MEMORY, SYNC_MMU, EXT_CPUID and DEBUGREGS",
     NEEDED_FOR_KVM},
    {"nested VT-x", check_nesting, NULL, NULL,
     "on a VT-x host: modprobe -r kvm_intel && modprobe kvm_intel nested=1; in a virtual machine "
     "its hypervisor must offer VT-x",
     NEEDED_FOR_NESTING},
    {"PMU", check_pmu, NULL, NULL,
     "the kernel knows none: in a virtual machine its hypervisor must offer one (QEMU: -cpu "
     "host,pmu=on)",
     0},
    {"perf permission", check_perf, NULL, NULL,
     "sysctl kernel.perf_event_paranoid=1, or run as root; a kernel without it has no perf", 0},
    {"bare metal", check_bare_metal, NULL, NULL,
     "this is a virtual machine: whatever runs it takes part in every figure that is no count", 0},
    {"SMT off", check_setting, "/sys/devices/system/cpu/smt/active 0", NULL,
     "a sibling takes turns with what is measured: echo off > /sys/devices/system/cpu/smt/control",
     0},
    {"governor", check_setting, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor performance",
     NULL, "the clock follows the load: cpupower frequency-set -g performance", 0},
    {"turbo off", check_setting, "/sys/devices/system/cpu/intel_pstate/no_turbo 1", NULL,
     "the clock follows temperature and load: echo 1 > "
     "/sys/devices/system/cpu/intel_pstate/no_turbo",
     0},
    {"boost off", check_setting, "/sys/devices/system/cpu/cpufreq/boost 0", NULL,
     "the clock follows temperature and load: echo 0 > /sys/devices/system/cpu/cpufreq/boost", 0},
    {"mitigations", check_mitigations, NULL, NULL,
     "they make the host kernel's exits dearer: compare with a host that has the same, or boot "
     "one that runs nothing else with mitigations=off; run.json records them",
     0},
    {"QEMU", check_program, QEMU_PROGRAM, "qemu-system-x86", NULL, NEEDED_FOR_QEMU},
    {"QEMU reset code", check_built, QEMU_RESET, NULL, "run `make`", NEEDED_FOR_QEMU},
    {"guest-only image", check_built, PLACE_GUEST_IMAGE, NULL, "run `make`", 0},
};

const size_t requirement_count = sizeof(requirements) / sizeof(requirements[0]);

enum requirement_status requirement_check(const struct requirement *requirement, char **found)
{
    *found = NULL;
    return requirement->check(requirement, found);
}

const char *requirement_status_name(enum requirement_status status)
{
    static const char *const names[] = {"ok", "missing", "absent", "note"};
    return names[status];
}

char *requirement_advice(const struct requirement *requirement)
{
    return requirement->package ? text("apt-get install %s", requirement->package)
                                : text("%s", requirement->what_to_do);
}

const struct requirement *requirement_unmet(unsigned needed_for)
{
    for (size_t i = 0; i < requirement_count; i++) {
        char *found;
        if (!(requirements[i].needed_for & needed_for))
            continue;
        enum requirement_status status = requirement_check(&requirements[i], &found);
        free(found);
        if (status == REQUIREMENT_MISSING || status == REQUIREMENT_ABSENT)
            return &requirements[i];
    }
    return NULL;
}
