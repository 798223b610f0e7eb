/* SPDX-License-Identifier: MIT */
/* The few functions of a C library that the image needs; the first six are the standard's. */
#ifndef EXITMETER_CORE_BOOT_STRING_H
#define EXITMETER_CORE_BOOT_STRING_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

void *memcpy(void *to, const void *from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
void *memchr(const void *bytes, int value, size_t size);
size_t strlen(const char *text);

bool string_equal(const char *a, const char *b);

/* Copies as much of from as fits, NUL-terminated. */
void string_copy(char *to, size_t size, const char *from);

/*
 * printf to a function that takes one character: %s %c %u %d %x %p %%, with l or ll, a width, and
 * zero padding. Anything else is printed as it stands.
 */
void string_format(void (*put)(char c, void *context), void *context, const char *format,
                   va_list arguments);

#endif
