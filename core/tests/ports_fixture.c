/* SPDX-License-Identifier: MIT */
#include "ports_fixture.h"

#include <string.h>

struct ports ports_table;
const uint8_t ports_every[8192] = {[0 ... 8191] = 0xff};
char ports_first, ports_second;
unsigned ports_call_count, ports_refused_call;
enum port_result ports_result;

static struct call {
    const void *context;
    uint16_t port;
    unsigned bytes;
    bool write;
    uint32_t value;
} calls[64];

enum port_result ports_answer(struct vcpu *vcpu, void *context, uint16_t port, unsigned bytes,
                              bool write, uint32_t *value)
{
    assert_ptr_equal(vcpu, &guest);
    assert_true(ports_call_count < COUNT_OF(calls));
    calls[ports_call_count++] = (struct call){context, port, bytes, write, *value};
    if (ports_call_count == ports_refused_call)
        return PORT_REFUSED;
    if (!write)
        *value = PORTS_ANSWER;
    return ports_result;
}

int ports_setup(void **state)
{
    string_setup(state);
    ports_table = (struct ports){0};
    ports_call_count = ports_refused_call = 0;
    ports_result = PORT_DONE;
    guest.ports = &ports_table;
    guest.rax = PORTS_RAX;
    memset(simulated_cpu.port_value, 0x5a, sizeof(simulated_cpu.port_value));
    return 0;
}

uint32_t ports_ones(unsigned bytes)
{
    return (uint32_t)((1ull << 8 * bytes) - 1);
}

void expect_port_call(unsigned at, const void *context, uint16_t port, unsigned bytes, bool write,
                      uint32_t value)
{
    assert_true(at < ports_call_count);
    assert_ptr_equal(calls[at].context, context);
    assert_int_equal(calls[at].port, port);
    assert_int_equal(calls[at].bytes, bytes);
    assert_int_equal(calls[at].write, write);
    assert_int_equal(calls[at].value, value);
}
