/* SPDX-License-Identifier: MIT */
/* What no guest may change: the host's registers, the core's code, and memory that nobody has. */
#ifndef EXITMETER_CORE_TESTS_TORTURE_GUARD_H
#define EXITMETER_CORE_TESTS_TORTURE_GUARD_H

/* Notes how all of it is, the host holding this CPU. NULL, or why not. */
const char *guard_begin(void);

/* The name of a register of the host's that has changed; NULL: none. After each guest. */
const char *guard_registers(void);

/* The same of those that stay the guest's until the host takes the CPU back, which it has. */
const char *guard_resident(void);

/* What of the core's code, tables and free memory has changed; NULL: nothing. */
const char *guard_memory(void);

#endif
