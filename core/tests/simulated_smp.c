/* SPDX-License-Identifier: MIT */
/* Work for other CPUs (core/boot/smp.h): done at once, on the simulated CPU of that number. */
#include "../boot/smp.h"

#include "simulated_cpu.h"

void smp_call(uint32_t cpu, smp_function *function, void *argument)
{
    uint32_t before = simulated_cpu.number;

    simulated_cpu_number_set(cpu);
    function(argument);
    simulated_cpu_number_set(before);
}

void smp_wait(uint32_t cpu)
{
    (void)cpu;
}
