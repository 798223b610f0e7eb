/* SPDX-License-Identifier: MIT */
#include "performance_fixture.h"

struct performance fixture_performance;

void performance_fixture_start(const char *apart_absent, const struct performance_event *events,
                               uint32_t count)
{
    struct performance_capability capability;

    performance_detect(&capability);
    simulated_cpu.accesses.write_count = 0;
    performance_start(&fixture_performance, &capability, apart_absent, events, count);
}

void expect_writes(const struct simulated_write *writes, size_t count)
{
    struct simulated_accesses *accesses = &simulated_cpu.accesses;

    for (size_t i = 0; i < count && i < accesses->write_count; i++)
        if (accesses->writes[i].index != writes[i].index ||
            accesses->writes[i].value != writes[i].value)
            fail_msg("write %zu: 0x%x = 0x%llx, not 0x%x = 0x%llx", i, accesses->writes[i].index,
                     (unsigned long long)accesses->writes[i].value, writes[i].index,
                     (unsigned long long)writes[i].value);
    assert_int_equal(accesses->write_count, count);
    accesses->write_count = 0;
}
