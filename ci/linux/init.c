/* SPDX-License-Identifier: MIT */
/*
 * The init of the Linux guest, without a C library: says that it runs, sleeps, and switches the
 * machine off, should nobody have ended the run before.
 */
#define SYS_write     1
#define SYS_nanosleep 35
#define SYS_reboot    169

#define REBOOT_MAGIC_1   0xfee1deadl
#define REBOOT_MAGIC_2   672274793
#define REBOOT_POWER_OFF 0x4321fedc

/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl*): the linker asks for it */
void _start(void);

static long call(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
}

void _start(void)
{
    static const char text[] = "exitmeter guest: init runs\n";
    const long seconds[2] = {60, 0};

    call(SYS_write, 1, (long)text, sizeof(text) - 1);
    call(SYS_nanosleep, (long)seconds, 0, 0);
    for (;;)
        call(SYS_reboot, REBOOT_MAGIC_1, REBOOT_MAGIC_2, REBOOT_POWER_OFF);
}
