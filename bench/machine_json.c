/* SPDX-License-Identifier: MIT */
/*
 * run.json's "machine": what the image found of the CPU that it measured.
 */
#include "facts_json.h"
#include "text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BUS_MHZ        100u         /* of MSR_PLATFORM_INFO's ratio, Sandy Bridge and later */
#define TURBO_OFF      (1ull << 38) /* IA32_MISC_ENABLE */
#define POWER_TURBO    (1u << 1)    /* CPUID.06H:EAX */
#define EPT_CAP_2M     (1ull << 16) /* IA32_VMX_EPT_VPID_CAP */
#define EPT_CAP_1G     (1ull << 17)
#define SECONDARY_VPID (1ull << 37) /* "enable VPID" may be 1 */

static const char emulated[] = "the CPU is emulated: its clock is one tick an instruction";

/* A fact, or null and why. */
static void set(json_t *json, const char *key, json_t *value, const char *absent)
{
    json_object_set_new(json, key, value ? value : json_null());
    if (value)
        return;
    char *name = text("%s_absent", key);
    json_object_set_new(json, name, json_string(absent));
    free(name);
}

static void add_model(json_t *json, uint32_t signature)
{
    uint32_t family = signature >> 8 & 0xf, model = signature >> 4 & 0xf;
    if (family == 6 || family == 15)
        model |= signature >> 12 & 0xf0;
    if (family == 15)
        family += signature >> 20 & 0xff;
    json_object_set_new(json, "family", json_integer(family));
    json_object_set_new(json, "model", json_integer(model));
    json_object_set_new(json, "stepping", json_integer(signature & 0xf));
}

static bool knows(const struct machine_facts *machine, uint64_t what)
{
    return (machine->known & what) == what;
}

static void add_frequency(json_t *json, const struct machine_facts *machine, bool exact)
{
    uint32_t ratio = knows(machine, MACHINE_PLATFORM_INFO) ? machine->platform_info >> 8 & 0xff : 0;
    uint32_t base = knows(machine, MACHINE_FREQUENCY) ? machine->frequency[0] & 0xffff : 0;
    uint32_t most = knows(machine, MACHINE_FREQUENCY) ? machine->frequency[1] & 0xffff : 0;
    const uint32_t *clock = machine->clock;
    uint64_t hz = clock[0] ? (uint64_t)clock[2] * clock[1] / clock[0] : 0;
    bool turbo = knows(machine, MACHINE_POWER | MACHINE_MISC_ENABLE);

    if (!base)
        base = ratio * BUS_MHZ;
    set(json, "base_mhz", base && !exact ? json_integer(base) : NULL,
        exact ? emulated : "neither CPUID leaf 0x16 nor MSR_PLATFORM_INFO says it");
    set(json, "max_mhz", most && !exact ? json_integer(most) : NULL,
        exact ? emulated : "CPUID leaf 0x16 does not say it");
    set(json, "tsc_hz",
        knows(machine, MACHINE_CLOCK) && hz && hz <= INT64_MAX && !exact
            ? json_integer((json_int_t)hz)
            : NULL,
        exact ? emulated : "CPUID leaf 0x15 does not say it");
    set(json, "turbo",
        turbo && !exact
            ? json_boolean((machine->power & POWER_TURBO) && !(machine->misc_enable & TURBO_OFF))
            : NULL,
        exact ? emulated : "CPUID leaf 6 or IA32_MISC_ENABLE is not there");
}

/* What the core found switched on; it switches nothing on itself. */
static json_t *mitigations(const struct machine_facts *machine)
{
    json_t *json = json_pack("{s:s}", "core", "none: nothing is flushed or cleared on an exit");
    set(json, "spec_ctrl",
        knows(machine, MACHINE_SPEC_CTRL) ? fact_hex(16, machine->spec_ctrl) : NULL,
        "this CPU has no IA32_SPEC_CTRL");
    set(json, "arch_capabilities",
        knows(machine, MACHINE_ARCH_CAPABILITIES) ? fact_hex(16, machine->arch_capabilities) : NULL,
        "this CPU has no IA32_ARCH_CAPABILITIES");
    return json;
}

static json_t *ept_page_sizes(uint64_t capabilities)
{
    json_t *list = json_pack("[i]", 4096);
    if (capabilities & EPT_CAP_2M)
        json_array_append_new(list, json_integer(1 << 21));
    if (capabilities & EPT_CAP_1G)
        json_array_append_new(list, json_integer(1 << 30));
    return list;
}

static void add_state(json_t *json, const struct machine_facts *machine, bool exact)
{
    uint32_t microcode = (uint32_t)(machine->microcode >> 32);

    add_model(json, machine->signature);
    set(json, "microcode",
        knows(machine, MACHINE_MICROCODE) && microcode ? fact_hex(8, microcode) : NULL,
        knows(machine, MACHINE_MICROCODE) ? "IA32_BIOS_SIGN_ID names none"
                                          : "this CPU has no IA32_BIOS_SIGN_ID");
    add_frequency(json, machine, exact);
    set(json, "threads_per_core",
        knows(machine, MACHINE_THREADS) && machine->threads
            ? json_integer(machine->threads & 0xffff)
            : NULL,
        "CPUID leaf 0xb does not say it");
    json_object_set_new(json, "mitigations", mitigations(machine));
    json_object_set_new(json, "ept_page_sizes", ept_page_sizes(machine->ept_vpid));
    json_object_set_new(json, "vpid", json_boolean(machine->secondary & SECONDARY_VPID));
}

/* Facts that the image did not get to report are left out. */
json_t *fact_machine(const struct run_facts *facts, const struct machine_facts *machine)
{
    json_t *json = json_pack("{s:s}", "cpu_model", facts->cpu_model);
    if (!machine)
        return json;
    json_object_set_new(json, "vendor", json_string(machine->vendor));
    json_object_set_new(json, "brand", json_string(machine->brand));
    json_object_set_new(json, "signature", fact_hex(8, machine->signature));
    json_object_set_new(json, "memory_bytes", json_integer((json_int_t)machine->memory_bytes));
    if (facts->monitor) { /* nothing of ours was in ring 0, to ask; "host" has what the kernel says
                           */
        add_model(json, machine->signature);
        return json;
    }
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
    add_state(json, machine, strcmp(facts->target->unit, "ticks") == 0);
    json_object_set_new(json, "capabilities", list);
    return json;
}
