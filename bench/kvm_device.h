/* SPDX-License-Identifier: MIT */
/*
 * /dev/kvm: opened and asked what it can do. Nothing here makes a virtual machine.
 */
#ifndef EXITMETER_BENCH_KVM_DEVICE_H
#define EXITMETER_BENCH_KVM_DEVICE_H

#include <jansson.h>
#include <stdbool.h>

#define KVM_DEVICE "/dev/kvm"

/*
 * Opens it; it speaks the one stable version of the API and has every capability that this target
 * cannot do without. Returns a file descriptor, or -1 with *why, in words and with what to do;
 * free() it.
 */
int kvm_device_open(char **why);

/* What KVM_CHECK_EXTENSION says of a KVM_CAP_*; 0 is that it has it not. Of /dev/kvm or a VM. */
int kvm_has(int kvm, int capability);

/* Every capability that this target makes use of, by its name without "KVM_CAP_": a new object. */
json_t *kvm_capabilities_json(int kvm);

#endif
