/* SPDX-License-Identifier: MIT */
#include "say.h"

#include "../../core/vmx/exit_reason.h"

#include <string.h>

void say(char *into, size_t room, const char *text)
{
    size_t length = strlen(into);
    size_t more = strlen(text);

    if (more > room - 1 - length)
        more = room - 1 - length;
    memcpy(into + length, text, more);
    into[length + more] = '\0';
}

void say_hex(char *into, size_t room, uint64_t number)
{
    char digits[19], *at = digits + sizeof(digits) - 1;

    *at = '\0';
    do
        *--at = "0123456789abcdef"[number & 0xf];
    while (number >>= 4);
    *--at = 'x';
    *--at = '0';
    say(into, room, at);
}

void say_stop(char *into, size_t room, const struct vcpu_stop *stop)
{
    say(into, room, stop_cause_name(stop->cause));
    if (stop->cause == STOP_UNHANDLED) {
        say(into, room, ": ");
        say(into, room, exit_reason_name(stop->exit_reason));
    }
    if (stop->text) {
        say(into, room, ": ");
        say(into, room, stop->text);
    }
}
