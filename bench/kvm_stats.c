/* SPDX-License-Identifier: MIT */
#include "kvm_stats.h"

#include "text.h"

#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define FILE_MOST 65536u /* bytes of header and descriptors that are looked at */

/* Where the name of a descriptor begins: at its end. */
#define DESCRIPTOR sizeof(struct kvm_stats_desc)

static bool is_count(const struct kvm_stats_desc *descriptor)
{
    return (descriptor->flags & KVM_STATS_TYPE_MASK) == KVM_STATS_TYPE_CUMULATIVE &&
           descriptor->size == 1;
}

const char *kvm_stats_parse(const uint8_t *bytes, size_t size, struct kvm_stats *stats)
{
    struct kvm_stats_header header;

    *stats = (struct kvm_stats){0};
    if (size < sizeof(header))
        return "KVM's statistics have no header";
    memcpy(&header, bytes, sizeof(header));
    size_t step = DESCRIPTOR + header.name_size;
    if (header.name_size == 0 || header.name_size > FILE_MOST || header.desc_offset > size ||
        header.num_desc > (size - header.desc_offset) / step)
        return "the descriptors of KVM's statistics are cut off";
    for (uint32_t i = 0; i < header.num_desc && stats->count < KVM_STATS_MAX; i++) {
        struct kvm_stats_desc descriptor;
        const uint8_t *at = bytes + header.desc_offset + i * step;
        const char *name = (const char *)at + DESCRIPTOR;
        memcpy(&descriptor, at, DESCRIPTOR);
        size_t length = strnlen(name, header.name_size);
        if (!is_count(&descriptor) || length == 0 || length >= KVM_STAT_NAME_SIZE)
            continue;
        memcpy(stats->names[stats->count], name, length);
        printable(stats->names[stats->count]);
        stats->offsets[stats->count++] = (uint64_t)header.data_offset + descriptor.offset;
    }
    return stats->count ? NULL : "KVM's statistics have no counts";
}

int kvm_stats_open(int vcpu, struct kvm_stats *stats, const char **why)
{
    int file = ioctl(vcpu, KVM_GET_STATS_FD, NULL);
    uint8_t *bytes;

    if (file < 0) {
        *why = "this KVM has no statistics to read: KVM_CAP_BINARY_STATS_FD";
        return -1;
    }
    bytes = zeroed(1, FILE_MOST);
    ssize_t got = pread(file, bytes, FILE_MOST, 0);
    *why = got < 0 ? "KVM's statistics cannot be read" : kvm_stats_parse(bytes, (size_t)got, stats);
    free(bytes);
    if (!*why)
        return file;
    close(file);
    return -1;
}

bool kvm_stats_read(int file, const struct kvm_stats *stats, uint64_t values[KVM_STATS_MAX])
{
    for (unsigned i = 0; i < stats->count; i++)
        if (pread(file, &values[i], sizeof(values[i]), (off_t)stats->offsets[i]) !=
            (ssize_t)sizeof(values[i]))
            return false;
    return true;
}

int kvm_stats_find(const struct kvm_stats *stats, const char *name)
{
    for (unsigned i = 0; i < stats->count; i++)
        if (strcmp(stats->names[i], name) == 0)
            return (int)i;
    return -1;
}
