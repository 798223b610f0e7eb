/* SPDX-License-Identifier: MIT */
/* The guests' device: registers that keep what is written, and the window on EPT. */
#include "../image/device.h"

#include "../../core/tests/tests.h"
#include "../../core/vmx/vcpu.h"
#include "../blob.h"

#define PAGE GUEST_DEMAND_BASE

static struct ept ept;
static struct demand demand;
static struct device device;
static struct vcpu vcpu;

static int make(void **state)
{
    static struct vmx_capability capability;
    simulated_cpu_setup(state);
    simulated_vmcs_current();
    vmx_capability_read(&capability);
    device = (struct device){.demand = &demand};
    device_reset(&device);
    vcpu.ept = &ept;
    vcpu.ept_seen = (struct ept_seen){0};
    return ept_create(&ept, &capability) || !demand_create(&demand, &ept, 2) ||
                   !demand_add(&demand, PAGE, GUEST_DEMAND_SIZE) ||
                   demand_supply(&demand, PAGE, EPT_READ) != DEMAND_SUPPLIED ||
                   !ept_use(&ept, &vcpu.ept_seen)
               ? -1
               : 0;
}

static int unmake(void **state)
{
    demand_destroy(&demand);
    ept_destroy(&ept);
    return simulated_cpu_teardown(state);
}

static enum mmio_result put(uint64_t address, unsigned bytes, uint64_t value)
{
    return device_access(&vcpu, &device, address - GUEST_DEVICE_BASE, bytes, true, &value);
}

static uint64_t get(uint64_t address, unsigned bytes)
{
    uint64_t value = 0;
    assert_int_equal(
        device_access(&vcpu, &device, address - GUEST_DEVICE_BASE, bytes, false, &value),
        MMIO_DONE);
    return value;
}

static void registers_keep(void **state)
{
    (void)state;
    assert_int_equal(put(GUEST_DEVICE_BASE + 0xff8, 8, 0x1122334455667788), MMIO_DONE);
    assert_int_equal(put(GUEST_DEVICE_BASE + 0xff9, 2, 0xaabb), MMIO_DONE);
    assert_int_equal(get(GUEST_DEVICE_BASE + 0xff8, 4), 0x55aabb88);
    assert_int_equal(get(GUEST_DEVICE_BASE + 0xfff, 1), 0x11);
    device_reset(&device);
    assert_int_equal(get(GUEST_DEVICE_BASE + 0xff8, 8), 0);
}

static void flags_are_taken(void **state)
{
    uint64_t host;
    (void)state;
    assert_int_equal(put(DEVICE_PAGE, 8, PAGE), MMIO_DONE);
    assert_int_equal(get(DEVICE_FLAGS, 8), 0);
    assert_true(ept_reach(&ept, PAGE, EPT_READ, &host));
    assert_int_equal(get(DEVICE_FLAGS, 8), DEVICE_FLAG_ACCESSED);
    assert_true(ept_reach(&ept, PAGE, EPT_WRITE, &host));
    assert_int_equal(get(DEVICE_FLAGS, 8), DEVICE_FLAG_ACCESSED | DEVICE_FLAG_DIRTY);
    assert_int_equal(get(DEVICE_FLAGS, 8), 0);
    assert_int_equal(simulated_cpu.executed[SIMULATED_INVEPT], 3); /* at once, where owed */
    ept.accessed_dirty = false;
    assert_int_equal(get(DEVICE_FLAGS, 8), DEVICE_FLAG_NONE);
}

static void access_is_narrowed(void **state)
{
    uint64_t host;
    (void)state;
    assert_int_equal(put(DEVICE_PAGE, 8, PAGE), MMIO_DONE);
    assert_int_equal(put(DEVICE_ACCESS, 8, EPT_READ), MMIO_DONE);
    assert_false(ept_reach(&ept, PAGE, EPT_WRITE, &host));
    assert_int_equal(simulated_cpu.executed[SIMULATED_INVEPT], 2);
}

static void refused(void **state)
{
    static const uint64_t pages[] = {0, PAGE + 1, PAGE - PAGE_SIZE, PAGE + GUEST_DEMAND_SIZE,
                                     UINT64_MAX - 0xfff};
    static const uint64_t access[] = {0, 2, 6, 8, UINT64_MAX};
    uint64_t value = 0;
    (void)state;
    assert_int_equal(put(DEVICE_ACCESS, 8, EPT_ALL), MMIO_REFUSED); /* no page named */
    assert_int_equal(device_access(&vcpu, &device, 0x1008, 8, false, &value), MMIO_REFUSED);
    for (size_t i = 0; i < COUNT_OF(pages); i++)
        assert_int_equal(put(DEVICE_PAGE, 8, pages[i]), MMIO_REFUSED);
    assert_int_equal(put(DEVICE_PAGE, 4, PAGE), MMIO_REFUSED);
    assert_int_equal(put(DEVICE_PAGE, 8, PAGE), MMIO_DONE);
    for (size_t i = 0; i < COUNT_OF(access); i++)
        assert_int_equal(put(DEVICE_ACCESS, 8, access[i]), MMIO_REFUSED);
    assert_int_equal(put(DEVICE_FLAGS, 8, 0), MMIO_REFUSED);
    assert_int_equal(put(GUEST_DEVICE_BASE + 0x1004, 8, 0), MMIO_REFUSED);
    assert_int_equal(put(GUEST_DEVICE_BASE + 0x1ff8, 8, 0), MMIO_REFUSED);
    assert_int_equal(device_access(&vcpu, &device, 0x1010, 8, false, &value), MMIO_REFUSED);
}

/* Every port by every width keeps its bytes and no other's; the last byte is the device's too. */
static void ports_keep(void **state)
{
    uint32_t value = 0x44332211;
    (void)state;
    assert_int_equal(device_port(&vcpu, &device, GUEST_PORTS + 12, 4, true, &value), PORT_DONE);
    value = 0xffffaabb;
    assert_int_equal(device_port(&vcpu, &device, GUEST_PORTS + 13, 2, true, &value), PORT_DONE);
    value = 0xffffffcc;
    assert_int_equal(device_port(&vcpu, &device, GUEST_PORTS, 1, true, &value), PORT_DONE);
    value = 0;
    assert_int_equal(device_port(&vcpu, &device, GUEST_PORTS + 12, 4, false, &value), PORT_DONE);
    assert_int_equal(value, 0x44aabb11);
    value = 0;
    assert_int_equal(device_port(&vcpu, &device, GUEST_PORTS, 2, false, &value), PORT_DONE);
    assert_int_equal(value, 0xcc);
    device_reset(&device);
    assert_int_equal(device_port(&vcpu, &device, GUEST_PORTS + 12, 4, false, &value), PORT_DONE);
    assert_int_equal(value, 0);
}

#define device_test(function) cmocka_unit_test_setup_teardown(function, make, unmake)

int main(void)
{
    const struct CMUnitTest tests[] = {
        device_test(registers_keep), device_test(flags_are_taken), device_test(access_is_narrowed),
        device_test(refused),        device_test(ports_keep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
