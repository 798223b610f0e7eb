/* SPDX-License-Identifier: MIT */
/*
 * Which exits an access to the xAPIC's page takes, by how far the CPU virtualizes it (SDM Vol. 3C
 * 30.4). Without "virtualize APIC accesses" all of them are EPT violations, which the core
 * emulates.
 */
#ifndef EXITMETER_GUESTS_BLOB_XAPIC_EXITS_H
#define EXITMETER_GUESTS_BLOB_XAPIC_EXITS_H

#include "row.h"

#define VIRTUALIZED_ACCESSES  SECONDARY_CONTROL_VIRTUALIZE_APIC_ACCESSES
#define VIRTUALIZED_REGISTERS SECONDARY_CONTROL_APIC_REGISTER_VIRTUALIZATION
#define VIRTUALIZED_DELIVERY  SECONDARY_CONTROL_VIRTUAL_INTERRUPT_DELIVERY

/* Every access. */
#define XAPIC_EMULATED(count)                                                \
    {                                                                        \
        .reason = EXIT_REASON_EPT_VIOLATION, .times = (count), .when_off = { \
            VIRTUALIZED_ACCESSES                                             \
        }                                                                    \
    }

/* Reads of what the virtual-APIC page holds, and writes of ICR_HIGH, which have no effect. */
#define XAPIC_STORED(count)                                                                     \
    {                                                                                           \
        .reason = EXIT_REASON_APIC_ACCESS, .times = (count), .when_on = {VIRTUALIZED_ACCESSES}, \
        .when_off = {                                                                           \
            VIRTUALIZED_REGISTERS                                                               \
        }                                                                                       \
    }

/* EOIs, and IPIs to oneself by the ICR. */
#define XAPIC_DELIVERED(count)                                                  \
    {                                                                           \
        .reason = EXIT_REASON_APIC_ACCESS,                                      \
        .times = (count),                                                       \
        .when_on = {VIRTUALIZED_ACCESSES},                                      \
        .when_off = {VIRTUALIZED_REGISTERS, VIRTUALIZED_DELIVERY},              \
    },                                                                          \
    {                                                                           \
        .reason = EXIT_REASON_APIC_WRITE, .times = (count),                     \
        .when_on = {VIRTUALIZED_ACCESSES, VIRTUALIZED_REGISTERS}, .when_off = { \
            VIRTUALIZED_DELIVERY                                                \
        }                                                                       \
    }

/* The others that the ICR sends. */
#define XAPIC_SENT(count)                                                      \
    {                                                                          \
        .reason = EXIT_REASON_APIC_ACCESS,                                     \
        .times = (count),                                                      \
        .when_on = {VIRTUALIZED_ACCESSES},                                     \
        .when_off = {VIRTUALIZED_REGISTERS, VIRTUALIZED_DELIVERY},             \
    },                                                                         \
        {                                                                      \
            .reason = EXIT_REASON_APIC_WRITE,                                  \
            .times = (count),                                                  \
            .when_on = {VIRTUALIZED_ACCESSES, VIRTUALIZED_REGISTERS},          \
        },                                                                     \
    {                                                                          \
        .reason = EXIT_REASON_APIC_WRITE, .times = (count),                    \
        .when_on = {VIRTUALIZED_ACCESSES, VIRTUALIZED_DELIVERY}, .when_off = { \
            VIRTUALIZED_REGISTERS                                              \
        }                                                                      \
    }

#endif
