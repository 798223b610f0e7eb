/* SPDX-License-Identifier: MIT */
/*
 * The driver on a simulated CPU in VMX operation, with the blob of blob_fixture.h. What a guest
 * does is the test's stub_guest.
 */
#ifndef EXITMETER_GUESTS_TESTS_DRIVER_FIXTURE_H
#define EXITMETER_GUESTS_TESTS_DRIVER_FIXTURE_H

#include "../image/driver.h"
#include "blob_fixture.h"

#define RESULT_PAGES 128u

extern struct driver driver;
extern struct fixture_blob blob;
extern struct vmx_cpu cpu;

/* The end of a test's setup, behind simulated_cpu_setup(): VMX operation, and room for results. */
int driver_begin(const struct plan_header *plan, struct probe_cpu *probes);

/* The image ends after its one run, so the driver keeps the guest's memory; not so its VMCS. */
int driver_teardown(void **state);

/* What the driver has written of that job. */
struct job_result *driver_result(const struct plan_job *job);

/* Places results of each job behind those of the last, by what it asks for now. */
void driver_lay_out(struct plan_job *jobs, unsigned count);

/* Ends as the guest does, by a hypercall. */
enum vmx_failure driver_guest_calls(struct vcpu *vcpu, uint64_t number, uint64_t argument);

#endif
