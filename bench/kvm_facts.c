/* SPDX-License-Identifier: MIT */
#include "kvm_facts.h"

#include "../guests/image/plan_check.h"
#include "facts_json.h"
#include "kvm_device.h"
#include "kvm_row.h"
#include "system_files.h"
#include "text.h"

#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#define MODULES    "/sys/module/kvm*"
#define PARAMETERS "/sys/module/kvm*/parameters/*"

#define CLOCK_SOURCE "/sys/devices/system/clocksource/clocksource0/current_clocksource"
#define EMULATIONS   "emulations_per_control_sample"

/* Of the time that a phase took, in which its thread had to wait for its CPU. */
#define WAITED_TOLERANCE_PER_MILLE 10u

static const char *base_name(const char *path)
{
    return strrchr(path, '/') + 1;
}

/* {"kvm_intel": {"ept": "Y", ...}, ...}; of what is built into the kernel likewise. */
static json_t *modules_json(void)
{
    json_t *modules = json_object();
    glob_t found;

    if (glob(MODULES, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++)
            json_object_set_new(modules, base_name(found.gl_pathv[i]), json_object());
        globfree(&found);
    }
    if (glob(PARAMETERS, 0, NULL, &found) != 0)
        return modules;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char *value = system_line(found.gl_pathv[i]);
        char *module = text("%s", found.gl_pathv[i] + strlen("/sys/module/"));
        *strchr(module, '/') = '\0';
        if (value)
            json_object_set_new(json_object_get(modules, module), base_name(found.gl_pathv[i]),
                                json_string(value));
        free(module);
        free(value);
    }
    globfree(&found);
    return modules;
}

/* The module beside kvm itself, which knows the hardware; free() it. */
static char *backend(void)
{
    char *name = NULL;
    glob_t found;

    if (glob(MODULES, 0, NULL, &found) != 0)
        return NULL;
    for (size_t i = 0; i < found.gl_pathc && !name; i++)
        if (strncmp(base_name(found.gl_pathv[i]), "kvm_", 4) == 0)
            name = text("%s", base_name(found.gl_pathv[i]));
    globfree(&found);
    return name;
}

const char *kvm_facts_hardware(void)
{
    return system_cpu_flag("vmx") ? "VT-x"
           : system_cpu_flag("svm")
               ? "AMD-V"
               : "none: this CPU offers neither VT-x nor AMD-V, so this KVM does in "
                 "software what they would";
}

char *kvm_facts_name(void)
{
    struct utsname host;
    char *module = backend();

    uname(&host);
    char *name = module ? text("Linux KVM %s (%s)", host.release, module)
                        : text("Linux KVM %s", host.release);
    free(module);
    return printable(name);
}

/* That of a vCPU, which KVM scales where it is told to; 0 if it does not say. */
static int tsc_khz(int kvm)
{
    int vm = ioctl(kvm, KVM_CREATE_VM, 0);
    int vcpu = vm < 0 ? -1 : ioctl(vm, KVM_CREATE_VCPU, 0);
    int khz = vcpu < 0 ? 0 : ioctl(vcpu, KVM_GET_TSC_KHZ, 0);

    if (vcpu >= 0)
        close(vcpu);
    if (vm >= 0)
        close(vm);
    return khz < 0 ? 0 : khz;
}

void kvm_facts_drift(struct monitor *monitor, uint64_t ticks, double seconds)
{
    char *source = system_line(CLOCK_SOURCE);
    json_int_t khz = json_integer_value(json_object_get(monitor->facts, "tsc_khz"));

    if (!source || strcmp(source, "tsc") == 0)
        monitor->drift_absent = "the host's own clock is the TSC";
    else if (khz <= 0 || seconds <= 0)
        monitor->drift_absent = "KVM states no rate of the TSC";
    else {
        monitor->drift = (double)ticks / (seconds * (double)khz * 1000) - 1;
        monitor->drift_absent = NULL;
    }
    free(source);
}

static json_t *pinned_json(const int pinned[KVM_VCPUS_MAX])
{
    json_t *list = json_array();
    for (unsigned i = 0; i < KVM_VCPUS_MAX; i++)
        json_array_append_new(list, pinned[i] < 0 ? json_null() : json_integer(pinned[i]));
    return list;
}

static json_t *policies_json(const struct plan_header *plan)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < plan->policy_count; i++)
        json_array_append_new(list, kvm_policy_json(&plan_policies(plan)[i]));
    return list;
}

json_t *kvm_facts_json(int kvm, const int pinned[KVM_VCPUS_MAX], const struct plan_header *plan)
{
    char *name = kvm_facts_name();
    int khz = tsc_khz(kvm);
    json_t *facts =
        json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:s}", "name", name, "hardware",
                  kvm_facts_hardware(), "modules", modules_json(), "capabilities",
                  kvm_capabilities_json(kvm), "tsc_khz", khz ? json_integer(khz) : json_null(),
                  "pinned", pinned_json(pinned), "policies", policies_json(plan), "memory",
                  "the guest's is all there before it runs, but for the region on demand: a first "
                  "touch there is the host's page fault too",
                  "interruptions",
                  "a sample that the host interrupted cannot be told from one that took long");
    free(name);
    return facts;
}

static json_t *stats_json(const struct kvm_stats *stats, const struct kvm_phase_facts *phase)
{
    json_t *json = json_object();

    if (!phase->has_stats) {
        json_decref(json);
        return json_null();
    }
    for (unsigned i = 0; i < stats->count; i++)
        if (phase->stats[i])
            json_object_set_new(json, stats->names[i], json_integer((json_int_t)phase->stats[i]));
    return json;
}

static json_t *schedule_json(const struct kvm_schedule *schedule)
{
    return json_pack(
        "{s:I, s:I, s:I, s:o, s:o}", "wall_ns", (json_int_t)schedule->wall, "involuntary_switches",
        (json_int_t)schedule->involuntary, "voluntary_switches", (json_int_t)schedule->voluntary,
        "waited_ns",
        schedule->has_waited ? json_integer((json_int_t)schedule->waited) : json_null(),
        "stolen_ticks",
        schedule->has_stolen ? json_integer((json_int_t)schedule->stolen) : json_null());
}

static json_t *counts_json(const struct kvm_job_facts *from, const struct kvm_phase_facts *phase,
                           const struct kvm_perf *perf)
{
    static const char *const sides[PLAN_SIDES] = {[PLAN_HOST] = "host", [PLAN_GUEST] = "guest"};
    json_t *list = json_array();

    for (unsigned i = 0; perf && i < perf->count; i++)
        for (int side = 0; side < PLAN_SIDES; side++) {
            const char *why = from->events_absent.why[side][i];
            json_t *event =
                json_pack("{s:s, s:s}", "name", perf->events[i].name, "side", sides[side]);
            if (phase->counts.known[side][i])
                json_object_set_new(event, "count",
                                    json_integer((json_int_t)phase->counts.counts[side][i]));
            else
                json_object_set_new(event, "absent",
                                    json_string(*why ? why : "its counter was taken from it"));
            json_array_append_new(list, event);
        }
    return list;
}

/* Marks a phase in which the host, or what is below it, had the CPU for other things. */
static void add_marks(json_t *list, const char *name, const struct kvm_schedule *schedule)
{
    if (schedule->has_waited &&
        schedule->waited > schedule->wall / 1000 * WAITED_TOLERANCE_PER_MILLE)
        json_array_append_new(
            list, json_sprintf("the vCPU's thread waited for its CPU for %.1f %% of the phase %s",
                               100.0 * (double)schedule->waited / (double)schedule->wall, name));
    if (schedule->has_stolen && schedule->stolen)
        json_array_append_new(list, json_sprintf("%" PRIu64 " clock ticks were stolen from the "
                                                 "host's CPU in the phase %s",
                                                 schedule->stolen, name));
}

static void count_exits(const struct kvm_job_facts *from, struct monitor_job *to)
{
    const struct kvm_phase_facts *control = &from->phases[PHASE_CONTROL];
    const struct kvm_phase_facts *op = &from->phases[PHASE_OP];
    int exits = kvm_stats_find(&from->stats, "exits");
    int interrupts = kvm_stats_find(&from->stats, "irq_exits");

    to->has_exits = exits >= 0 && control->has_stats && op->has_stats;
    if (!to->has_exits)
        return;
    to->control = (int64_t)control->stats[exits];
    to->op = (int64_t)op->stats[exits];
    if (interrupts < 0)
        return;
    to->interruptions.control = (int64_t)control->stats[interrupts];
    to->interruptions.op = (int64_t)op->stats[interrupts];
}

/* Instructions of a control that KVM emulated, by sample; null where it does not count them. */
static json_t *emulations_json(const struct kvm_job_facts *from, const struct plan_job *plan)
{
    const struct kvm_phase_facts *control = &from->phases[PHASE_CONTROL];
    int place = kvm_stats_find(&from->stats, "insn_emulation");
    double samples = (double)plan->samples * plan->rounds;

    return place < 0 || !control->has_stats || samples < 1
               ? json_null()
               : json_real((double)control->stats[place] / samples);
}

void kvm_facts_notes(struct monitor *monitor)
{
    double least = 0;
    bool known = false;

    for (size_t i = 0; i < monitor->job_count; i++) {
        const json_t *each = json_object_get(monitor->jobs[i].facts, EMULATIONS);
        if (!json_is_real(each))
            continue;
        if (!known || json_real_value(each) < least)
            least = json_real_value(each);
        known = true;
    }
    json_t *notes = json_array();
    if (known && least >= 1)
        json_array_append_new(
            notes,
            json_sprintf("this KVM emulates every instruction of these guests, %.0f and more "
                         "in a sample of a control, none of which exits on hardware: the "
                         "figures are of its emulator, and exits/op counts returns from it",
                         least));
    json_object_set_new(monitor->facts, "notes", notes);
}

void kvm_facts_job(const struct kvm_job_facts *from, const struct plan_job *plan,
                   const struct kvm_perf *perf, struct monitor_job *to)
{
    static const char *const names[PHASE_COUNT] = {"count_control", "count_op", "control", "op",
                                                   "twice"};
    json_t *phases = json_object();

    to->disturbed = json_array();
    for (int i = PHASE_CONTROL; i < PHASE_COUNT; i++) {
        const struct kvm_phase_facts *phase = &from->phases[i];
        if (!phase->ran)
            continue;
        json_object_set_new(phases, names[i],
                            json_pack("{s:o, s:o, s:o}", "stats", stats_json(&from->stats, phase),
                                      "schedule", schedule_json(&phase->schedule), "events",
                                      counts_json(from, phase, perf)));
        add_marks(to->disturbed, names[i], &phase->schedule);
    }
    to->facts = json_pack("{s:o, s:o}", EMULATIONS, emulations_json(from, plan), "phases", phases);
    if (*from->stats_absent)
        json_object_set_new(to->facts, "stats_absent", json_string(from->stats_absent));
    count_exits(from, to);
}
