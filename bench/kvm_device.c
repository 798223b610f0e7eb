/* SPDX-License-Identifier: MIT */
#include "kvm_device.h"

#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CAPABILITY(name, needed)      \
    {                                 \
        KVM_CAP_##name, #name, needed \
    }

static const struct {
    int number;
    const char *name;
    bool needed;
} capabilities[] = {
    CAPABILITY(USER_MEMORY, true),
    CAPABILITY(SYNC_MMU, true), /* memory taken back from the process leaves the guest too */
    CAPABILITY(EXT_CPUID, true),
    CAPABILITY(DEBUGREGS, true),
    CAPABILITY(IRQCHIP, false),
    CAPABILITY(PIT2, false),
    CAPABILITY(TSC_DEADLINE_TIMER, false),
    CAPABILITY(GET_TSC_KHZ, false),
    CAPABILITY(X86_USER_SPACE_MSR, false),
    CAPABILITY(X86_MSR_FILTER, false),
    CAPABILITY(BINARY_STATS_FD, false),
    CAPABILITY(X86_DISABLE_EXITS, false),
    CAPABILITY(SPLIT_IRQCHIP, false),
    CAPABILITY(MAX_VCPUS, false),
};

#define CAPABILITIES (sizeof(capabilities) / sizeof(capabilities[0]))

int kvm_has(int kvm, int capability)
{
    int value = ioctl(kvm, KVM_CHECK_EXTENSION, (long)capability);
    return value < 0 ? 0 : value;
}

static char *why_not_open(int error)
{
    if (error == ENOENT)
        return text("there is no " KVM_DEVICE "; load kvm_intel or kvm_amd, and let firmware or "
                    "the hypervisor that this runs under offer VT-x or AMD-V");
    if (error == EACCES)
        return text(KVM_DEVICE ": %s; join its group (usually kvm), or run as root",
                    strerror(error));
    return text(KVM_DEVICE ": %s", strerror(error));
}

/* What it lacks, or NULL; free() it. */
static char *lacks(int kvm)
{
    int version = ioctl(kvm, KVM_GET_API_VERSION, 0);
    if (version < 0)
        return text(KVM_DEVICE " is no KVM: %s; see that it is the device 10:232", strerror(errno));
    if (version != KVM_API_VERSION)
        return text(KVM_DEVICE " speaks version %d of the API, not %d; use a current kernel",
                    version, KVM_API_VERSION);
    for (size_t i = 0; i < CAPABILITIES; i++)
        if (capabilities[i].needed && !kvm_has(kvm, capabilities[i].number))
            return text("this KVM lacks KVM_CAP_%s; use a current kernel", capabilities[i].name);
    return NULL;
}

int kvm_device_open(char **why)
{
    int kvm = open(KVM_DEVICE, O_RDWR | O_CLOEXEC);

    *why = kvm < 0 ? why_not_open(errno) : lacks(kvm);
    if (!*why)
        return kvm;
    if (kvm >= 0)
        close(kvm);
    return -1;
}

json_t *kvm_capabilities_json(int kvm)
{
    json_t *json = json_object();
    for (size_t i = 0; i < CAPABILITIES; i++)
        json_object_set_new(json, capabilities[i].name,
                            json_integer(kvm_has(kvm, capabilities[i].number)));
    return json;
}
