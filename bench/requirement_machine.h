/* SPDX-License-Identifier: MIT */
/*
 * Checks of the machine, for the table of requirement.c: what the CPU, the firmware and the kernel
 * offer, and what would spoil figures here. All files are read by system_files.h.
 */
#ifndef EXITMETER_BENCH_REQUIREMENT_MACHINE_H
#define EXITMETER_BENCH_REQUIREMENT_MACHINE_H

#include "requirement.h"

/* argument: a flag of /proc/cpuinfo. */
enum requirement_status check_cpu_flag(const struct requirement *requirement, char **found);

/* argument: a device that is to be read and written. */
enum requirement_status check_device(const struct requirement *requirement, char **found);

/* IA32_FEATURE_CONTROL: locked with VMX on, or unlocked. */
enum requirement_status check_firmware_lock(const struct requirement *requirement, char **found);

/* KVM lets its guests use VT-x. */
enum requirement_status check_nesting(const struct requirement *requirement, char **found);

/* The kernel counts performance events; and whether it counts them for us, in itself too. */
enum requirement_status check_pmu(const struct requirement *requirement, char **found);
enum requirement_status check_perf(const struct requirement *requirement, char **found);

/* argument: a file, and behind blanks what it should hold; where it is not, nothing sets it. */
enum requirement_status check_setting(const struct requirement *requirement, char **found);

/* Vulnerabilities that the kernel does something about. */
enum requirement_status check_mitigations(const struct requirement *requirement, char **found);

/* No hypervisor runs this machine. */
enum requirement_status check_bare_metal(const struct requirement *requirement, char **found);

#endif
