/* SPDX-License-Identifier: MIT */
/* A table of ports for the guest of io_string_fixture.h, and a handler that notes its calls. */
#ifndef EXITMETER_CORE_TESTS_PORTS_FIXTURE_H
#define EXITMETER_CORE_TESTS_PORTS_FIXTURE_H

#include "io_string_fixture.h"

#define PORTS_RAX    0x1122334455667788ull
#define PORTS_ANSWER 0xe57bf9bdu /* to every IN, more than was asked for */

extern struct ports ports_table;

/* Contexts to tell ranges by. */
extern char ports_first, ports_second;

/* How the handler has been called; on a refused one, counted from 1, and no other, it refuses. */
extern unsigned ports_call_count, ports_refused_call;
extern enum port_result ports_result; /* what it says to the others */
port_handler ports_answer;

/* Nothing claimed, and the hardware's ports read 0x5a a byte. */
int ports_setup(void **state);

/* For ports.ones: every port's bit set. */
extern const uint8_t ports_every[8192];

/* All ones in so many bytes. */
uint32_t ports_ones(unsigned bytes);

void expect_port_call(unsigned at, const void *context, uint16_t port, unsigned bytes, bool write,
                      uint32_t value);

#define ports_test(function) cmocka_unit_test_setup_teardown(function, ports_setup, string_teardown)

#endif
