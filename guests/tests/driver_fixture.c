/* SPDX-License-Identifier: MIT */
#include "driver_fixture.h"

#include "../../core/vmx/dispatch.h"

struct driver driver;
struct fixture_blob blob;
struct vmx_cpu cpu;

int driver_begin(const struct plan_header *plan, struct probe_cpu *probes)
{
    driver = (struct driver){.plan = plan,
                             .blob = &blob,
                             .blob_size = sizeof(blob),
                             .vmx = &cpu,
                             .probes = probes,
                             .results = platform_pages_allocate(RESULT_PAGES, PAGE_SIZE),
                             .cpus = 1};
    return vmx_enable(&cpu) ? -1 : 0;
}

int driver_teardown(void **state)
{
    vmx_disable(&cpu);
    unsigned faults = simulated_cpu.faults;
    if (faults)
        print_error("%s\n", simulated_cpu.first_fault);
    simulated_platform_reset();
    (void)state;
    return faults ? -1 : 0;
}

struct job_result *driver_result(const struct plan_job *job)
{
    return (struct job_result *)((char *)driver.results + job->results_offset);
}

void driver_lay_out(struct plan_job *jobs, unsigned count)
{
    uint64_t offset = RESULTS_HEADER_ROOM;

    for (unsigned i = 0; i < count; i++) {
        jobs[i].results_offset = offset;
        offset += job_results_size(&jobs[i]);
    }
    assert_true(offset <= RESULT_PAGES * PAGE_SIZE);
}

enum vmx_failure driver_guest_calls(struct vcpu *vcpu, uint64_t number, uint64_t argument)
{
    vcpu->rax = number;
    vcpu->rdi = argument;
    *simulated_field(VMCS_EXIT_REASON) = EXIT_REASON_VMCALL;
    assert_int_equal(exit_handlers[EXIT_REASON_VMCALL](vcpu), EXIT_STOP);
    return VMX_SUCCEED;
}
