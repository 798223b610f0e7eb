/* SPDX-License-Identifier: MIT */
#include "watchdog.h"

#include "../../core/boot/delay.h"
#include "../../core/boot/exception.h"
#include "../../core/platform.h"
#include "../../core/x86/instructions.h"

/* MC146818 and its heirs: register numbers by port 0x70, which in bit 7 blocks NMIs, data by 0x71.
 */
#define RTC_INDEX        0x70
#define RTC_DATA         0x71
#define RTC_A            10
#define RTC_B            11
#define RTC_C            12
#define RTC_A_UPDATING   0x80
#define RTC_B_24_HOURS   0x02
#define RTC_B_BINARY     0x04
#define RTC_B_ALARM      0x20
#define RTC_B_INTERRUPTS 0x70
#define RTC_HOUR_PM      0x80
#define RTC_LINE         8
#define TRIES            100000

/* 82093AA. */
#define IO_APIC            0xfec00000ull
#define IO_APIC_DATA       0x10
#define IO_APIC_VERSION    1u
#define IO_APIC_ENTRY(pin) (0x10u + 2 * (pin))
#define ENTRY_NMI          (4u << 8) /* edge, physical destination */
#define ENTRY_MASKED       (1u << 16)

#define TEST_SECONDS 2u
#define WAIT_MOST    80u /* of 50 ms */

static bool works;

static uint8_t rtc_read(uint8_t which)
{
    x86_out8(RTC_INDEX, which);
    return x86_in8(RTC_DATA);
}

static void rtc_write(uint8_t which, uint8_t value)
{
    x86_out8(RTC_INDEX, which);
    x86_out8(RTC_DATA, value);
}

static void io_apic_write(uint32_t which, uint32_t value)
{
    volatile uint32_t *io_apic = platform_at(IO_APIC);

    io_apic[0] = which;
    io_apic[IO_APIC_DATA / 4] = value;
}

static uint32_t io_apic_read(uint32_t which)
{
    volatile uint32_t *io_apic = platform_at(IO_APIC);

    io_apic[0] = which;
    return io_apic[IO_APIC_DATA / 4];
}

static unsigned from_clock(uint8_t value, bool binary)
{
    return binary ? value : (value >> 4) * 10u + (value & 15);
}

static uint8_t to_clock(unsigned value, bool binary)
{
    return (uint8_t)(binary ? value : value / 10 << 4 | value % 10);
}

/* Seconds since midnight; false if the clock stands in an update for ever. */
static bool clock_read(uint32_t *seconds)
{
    uint8_t mode = rtc_read(RTC_B), hour;
    bool binary = mode & RTC_B_BINARY;

    for (int tries = 0; rtc_read(RTC_A) & RTC_A_UPDATING; tries++)
        if (tries == TRIES)
            return false;
    *seconds = from_clock(rtc_read(0), binary) + from_clock(rtc_read(2), binary) * 60;
    hour = rtc_read(4);
    unsigned hours = from_clock(hour & ~RTC_HOUR_PM, binary);
    if (!(mode & RTC_B_24_HOURS))
        hours = hours % 12 + (hour & RTC_HOUR_PM ? 12 : 0);
    *seconds += hours * 3600;
    return true;
}

static void alarm_write(uint32_t seconds)
{
    uint8_t mode = rtc_read(RTC_B);
    bool binary = mode & RTC_B_BINARY;
    unsigned hours = seconds / 3600 % 24;
    uint8_t hour = to_clock(hours, binary);

    if (!(mode & RTC_B_24_HOURS))
        hour = to_clock(hours % 12 ? hours % 12 : 12, binary) | (hours >= 12 ? RTC_HOUR_PM : 0);
    rtc_write(1, to_clock(seconds % 60, binary));
    rtc_write(3, to_clock(seconds / 60 % 60, binary));
    rtc_write(5, hour);
}

void watchdog_disarm(void)
{
    if (!works)
        return;
    rtc_write(RTC_B, rtc_read(RTC_B) & ~RTC_B_INTERRUPTS);
    rtc_read(RTC_C); /* the line is low again */
    io_apic_write(IO_APIC_ENTRY(RTC_LINE), ENTRY_MASKED);
    exception_nmi_taken();
}

void watchdog_arm(uint32_t seconds)
{
    uint32_t now;

    if (!works || !clock_read(&now))
        return;
    rtc_write(RTC_B, rtc_read(RTC_B) & ~RTC_B_INTERRUPTS);
    alarm_write(now + (seconds < WATCHDOG_SECONDS_MOST ? seconds : WATCHDOG_SECONDS_MOST));
    rtc_read(RTC_C);
    io_apic_write(IO_APIC_ENTRY(RTC_LINE), ENTRY_NMI);
    rtc_write(RTC_B, rtc_read(RTC_B) | RTC_B_ALARM);
}

const char *watchdog_start(uint32_t apic_id)
{
    uint32_t now, pins = io_apic_read(IO_APIC_VERSION) >> 16 & 0xff;
    bool came = false;

    if (pins < RTC_LINE || pins == 0xff)
        return "no I/O APIC at 0xfec00000 with a pin for the real-time clock";
    if (rtc_read(RTC_B) == 0xff || !clock_read(&now))
        return "no real-time clock at port 0x70";
    io_apic_write(IO_APIC_ENTRY(RTC_LINE) + 1, apic_id << 24);
    works = true;
    exception_nmi_taken();
    watchdog_arm(TEST_SECONDS);
    for (unsigned waited = 0; waited < WAIT_MOST && !came; waited++) {
        delay_microseconds(50000);
        came = exception_nmi_taken();
    }
    watchdog_disarm();
    works = came;
    return came ? NULL : "an alarm of the real-time clock does not arrive as an NMI";
}
