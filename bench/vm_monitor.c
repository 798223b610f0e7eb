/* SPDX-License-Identifier: MIT */
#include "vm_monitor.h"

#include "qemu.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define TCG_SIGNATURE "TCGTCGTCGTCG" /* of CPUID leaf 0x40000000 */

static const char exits_absent[] = "a guest cannot count its exits, and its monitor does not say";

struct monitor *vm_monitor(const struct results_header *header, const char *accelerator)
{
    char signature[sizeof(header->machine.hypervisor) + 1] = "";
    struct monitor *monitor = monitor_new(header->job_count);
    json_t *notes = json_array();

    memcpy(signature, header->machine.hypervisor, sizeof(header->machine.hypervisor));
    printable(signature);
    bool emulated = strcmp(signature, TCG_SIGNATURE) == 0 ||
                    (accelerator && strcmp(accelerator, QEMU_TCG) == 0);
    if (emulated)
        json_array_append_new(
            notes, json_string("TCG interprets the guest: THESE ARE NOT COSTS OF VM EXITS, they "
                               "say what QEMU's translator takes"));
    if (!*signature)
        json_array_append_new(notes, json_string("no monitor says in CPUID that it is there"));
    json_array_append_new(notes, json_string(exits_absent));
    monitor->guesses = !emulated;
    monitor->facts = json_pack("{s:s, s:o, s:s, s:o}", "name", *signature ? signature : "unknown",
                               "accelerator", accelerator ? json_string(accelerator) : json_null(),
                               "exits_absent", exits_absent, "notes", notes);
    return monitor;
}
