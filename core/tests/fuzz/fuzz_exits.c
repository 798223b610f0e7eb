/* SPDX-License-Identifier: MIT */
/*
 * The exit handlers under libFuzzer: `make fuzz`. The input is a series of VM exits, each a reason
 * and what the VMCS, the guest's registers and its memory hold then, whether a CPU could have come
 * to it or not. Whatever they hold, a handler ends in one of its outcomes; the host's part of the
 * VMCS, its registers and memory stay as they are, and nothing is asked of the CPU that faults.
 */
#include "../mmio_fixture.h"

#include "../../vmx/event.h"
#include "../../vmx/vmcs_field.h"
#include "../../x86/msr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXITS_MOST 24

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is left of the input; at its end everything is 0. */
static struct input {
    const uint8_t *at;
    size_t left;
} input;

static void take(void *to, size_t bytes)
{
    size_t got = bytes < input.left ? bytes : input.left;

    memset(to, 0, bytes);
    memcpy(to, input.at, got);
    input.at += got;
    input.left -= got;
}

static uint8_t take_byte(void)
{
    uint8_t byte;
    take(&byte, 1);
    return byte;
}

/* A value in few bytes, if it is of the kind that matters. */
static uint64_t take_value(void)
{
    static const uint64_t places[] = {
        0,          MMIO_CODE,       MMIO_TABLES,        MMIO_DEVICE,        MMIO_SECOND,
        0xfee00000, MMIO_MEMORY - 4, 0x0000800000000000, 0xffff800000000000, UINT64_MAX};
    uint8_t form = take_byte();
    uint64_t value = 0;

    switch (form >> 5) {
    case 0:
        return form;
    case 1:
        take(&value, 1);
        return 1ull << (value & 63);
    case 2:
        take(&value, 2);
        return places[form % COUNT_OF(places)] + value;
    case 3:
        take(&value, 2);
        return value;
    case 4:
        take(&value, 4);
        return value;
    case 5:
        take(&value, 4);
        return (uint64_t)(int64_t)(int32_t)value;
    default:
        take(&value, 8);
        return value;
    }
}

static void complain(const char *what)
{
    fprintf(stderr, "%s\n", what);
    abort();
}

/* Fields that a guest, or a VM exit, can have written: not the host's, nor what controls it. */
static bool is_guests(uint32_t encoding)
{
    enum vmcs_field_group group = VMCS_FIELD_GROUP(encoding);

    return group == VMCS_GROUP_GUEST || group == VMCS_GROUP_EXIT_INFORMATION ||
           encoding == VMCS_CR0_SHADOW || encoding == VMCS_CR4_SHADOW;
}

static void change_fields(void)
{
    size_t count;
    const struct vmcs_field_description *fields = vmcs_fields(&count);

    for (uint8_t n = take_byte() % 12; n > 0; n--) {
        uint32_t encoding = fields[take_byte() % count].encoding;
        uint64_t value = take_value();
        if (is_guests(encoding))
            exit_field((enum vmcs_field)encoding, value);
    }
}

static void change_registers(void)
{
    uint64_t *frame = (uint64_t *)&guest;

    for (uint8_t n = take_byte() % 4; n > 0; n--) {
        uint8_t which = take_byte() % (VCPU_FRAME_END / sizeof(*frame));
        frame[which] = take_value();
    }
}

static void change_memory(void)
{
    for (uint8_t n = take_byte() % 3; n > 0; n--) {
        uint32_t at = 0;
        uint8_t bytes = take_byte() % 32;
        take(&at, 3);
        at %= MMIO_MEMORY - 32;
        take(mmio_memory + at, bytes);
    }
}

/* Of a policy: what is in force when the guest is entered. */
static void change_controls(void)
{
    static const uint32_t primary = PRIMARY_TPR_SHADOW | PRIMARY_HLT_EXITING |
                                    PRIMARY_CR8_LOAD_EXITING | PRIMARY_MOV_DR_EXITING |
                                    PRIMARY_INTERRUPT_WINDOW_EXITING;
    static const uint32_t secondary = SECONDARY_UNRESTRICTED_GUEST | SECONDARY_VIRTUALIZE_X2APIC |
                                      SECONDARY_APIC_REGISTER_VIRTUALIZATION |
                                      SECONDARY_VIRTUAL_INTERRUPT_DELIVERY | SECONDARY_RDTSCP |
                                      SECONDARY_INVPCID;
    uint32_t some = 0;

    take(&some, 4);
    guest.controls[CONTROL_PRIMARY] |= some & primary;
    guest.controls[CONTROL_SECONDARY] |= some * 2654435761u & secondary;
    if (some & 1)
        guest.controls[CONTROL_PIN_BASED] |= PIN_BASED_EXTERNAL_INTERRUPT_EXITING;
    guest.unpaged.identity_map = some & 2 ? MMIO_TABLES : 0;
    exit_field(VMCS_PRIMARY_CONTROLS, guest.controls[CONTROL_PRIMARY]);
    exit_field(VMCS_SECONDARY_CONTROLS, guest.controls[CONTROL_SECONDARY]);
    exit_field(VMCS_VIRTUAL_APIC_PAGE, platform_physical(mmio_memory));
}

/* The host's registers, and its part of the VMCS. */
struct host {
    uint64_t cr0, cr3, cr4, efer, fields[64];
    struct descriptor_table_register gdtr, idtr;
};

static void host_read(struct host *host)
{
    size_t count, kept = 0;
    const struct vmcs_field_description *fields = vmcs_fields(&count);

    memset(host, 0, sizeof(*host));
    host->cr0 = simulated_cpu.cr0;
    host->cr3 = simulated_cpu.cr3;
    host->cr4 = simulated_cpu.cr4;
    host->efer = simulated_msr(IA32_EFER)->value;
    host->gdtr = simulated_cpu.gdtr;
    host->idtr = simulated_cpu.idtr;
    for (size_t i = 0; i < count; i++)
        if (VMCS_FIELD_GROUP(fields[i].encoding) == VMCS_GROUP_HOST &&
            kept < COUNT_OF(host->fields))
            host->fields[kept++] = *simulated_field(fields[i].encoding);
    static const enum vmcs_field addresses[] = {
        VMCS_IO_BITMAP_A,   VMCS_IO_BITMAP_B,    VMCS_MSR_BITMAP, VMCS_EXIT_MSR_STORE,
        VMCS_EXIT_MSR_LOAD, VMCS_ENTRY_MSR_LOAD, VMCS_EPT_POINTER};
    for (size_t i = 0; i < COUNT_OF(addresses) && kept < COUNT_OF(host->fields); i++)
        host->fields[kept++] = *simulated_field(addresses[i]);
}

static void check(const struct host *before)
{
    struct host now;

    host_read(&now);
    /* NOLINTNEXTLINE(*-memory-comparison,cert-*): host_read() clears what is between members */
    if (memcmp(&now, before, sizeof(now)) != 0)
        complain("the host's registers or its part of the VMCS have changed");
    if (simulated_cpu.faults)
        complain(simulated_cpu.first_fault);
}

static void one_exit(const struct host *before)
{
    uint32_t reason = take_byte() % (EXIT_REASONS + 2);

    change_registers();
    change_memory();
    change_fields();
    exit_handler *handler = exit_handlers[reason < EXIT_REASONS ? reason : EXIT_REASONS];
    exit_field(VMCS_EXIT_REASON, reason);
    guest.stop = (struct vcpu_stop){.cause = STOP_NONE};
    enum exit_outcome outcome = handler(&guest);
    if (outcome == EXIT_EVENTS)
        outcome = event_prepare(&guest);
    if (outcome != EXIT_RESUME && outcome != EXIT_STOP && outcome != EXIT_EVENTS)
        complain("an outcome that there is not");
    if (outcome == EXIT_STOP && (guest.stop.cause <= STOP_NONE || guest.stop.cause >= STOP_CAUSES ||
                                 strcmp(stop_cause_name(guest.stop.cause), "unknown cause") == 0))
        complain("stopped without a cause that has a name");
    check(before);
    simulated_log_clear();
    simulated_cpu.port_accesses = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct host before;
    void *state = NULL;

    input = (struct input){data, size};
    mmio_setup(&state);
    change_controls();
    host_read(&before);
    for (int i = 0; i < EXITS_MOST && input.left > 0; i++)
        one_exit(&before);
    simulated_cpu.faults = 0;
    mmio_teardown(&state);
    return 0;
}
