/* SPDX-License-Identifier: MIT */
#include "string.h"

#include <stdint.h>

void *memcpy(void *to, const void *from, size_t bytes)
{
    void *start = to;
    size_t words = bytes / 8;
    bytes %= 8;
    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
    return start;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    if ((uintptr_t)to - (uintptr_t)from >= bytes)
        return memcpy(to, from, bytes);
    char *t = (char *)to + bytes;
    const char *f = (const char *)from + bytes;
    while (bytes--)
        *--t = *--f;
    return to;
}

void *memset(void *to, int value, size_t bytes)
{
    void *start = to;
    uint64_t pattern = (uint8_t)value * 0x0101010101010101ull;
    size_t words = bytes / 8;
    bytes %= 8;
    __asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(pattern) : "memory");
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(pattern) : "memory");
    return start;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
    const uint8_t *x = a, *y = b;
    for (size_t i = 0; i < bytes; i++)
        if (x[i] != y[i])
            return x[i] - y[i];
    return 0;
}

void *memchr(const void *bytes, int value, size_t size)
{
    const uint8_t *b = bytes;
    for (size_t i = 0; i < size; i++)
        if (b[i] == (uint8_t)value)
            return (void *)(b + i);
    return NULL;
}

size_t strlen(const char *text)
{
    size_t length = 0;
    while (text[length])
        length++;
    return length;
}

bool string_equal(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

void string_copy(char *to, size_t size, const char *from)
{
    size_t i = 0;
    for (; i + 1 < size && from[i]; i++)
        to[i] = from[i];
    to[i] = '\0';
}

struct conversion {
    unsigned width;
    bool zeros;
    bool wide; /* l, ll */
};

static void put_padded(void (*put)(char, void *), void *context, const char *text, size_t length,
                       struct conversion how)
{
    for (size_t i = length; i < how.width; i++)
        put(how.zeros ? '0' : ' ', context);
    for (size_t i = 0; i < length; i++)
        put(text[i], context);
}

static void put_number(void (*put)(char, void *), void *context, uint64_t value, unsigned base,
                       bool negative, struct conversion how)
{
    char digits[24];
    size_t at = sizeof(digits);

    do
        digits[--at] = "0123456789abcdef"[value % base];
    while (value /= base);
    if (negative && how.zeros) { /* the sign stands before the zeros */
        put('-', context);
        how.width -= how.width > 0;
    } else if (negative) {
        digits[--at] = '-';
    }
    put_padded(put, context, digits + at, sizeof(digits) - at, how);
}

static void put_string(void (*put)(char, void *), void *context, const char *text,
                       struct conversion how)
{
    put_padded(put, context, text, strlen(text), how);
}

static const char *parse(const char *format, struct conversion *how)
{
    *how = (struct conversion){0};
    if (*format == '0') {
        how->zeros = true;
        format++;
    }
    while (*format >= '0' && *format <= '9')
        how->width = how->width * 10 + (unsigned)(*format++ - '0');
    while (*format == 'l') {
        how->wide = true;
        format++;
    }
    return format;
}

void string_format(void (*put)(char c, void *context), void *context, const char *format,
                   va_list arguments)
{
    for (; *format; format++) {
        struct conversion how;
        if (*format != '%') {
            put(*format, context);
            continue;
        }
        const char *start = format;
        format = parse(format + 1, &how);
        if (*format == 's') {
            put_string(put, context, va_arg(arguments, const char *), how);
        } else if (*format == 'c') {
            char c = (char)va_arg(arguments, int);
            put_padded(put, context, &c, 1, how);
        } else if (*format == 'd') {
            int64_t value = how.wide ? va_arg(arguments, long long) : va_arg(arguments, int);
            uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
            put_number(put, context, size, 10, value < 0, how);
        } else if (*format == 'u' || *format == 'x' || *format == 'p') {
            bool wide = how.wide || *format == 'p';
            uint64_t value =
                wide ? va_arg(arguments, unsigned long long) : va_arg(arguments, unsigned);
            put_number(put, context, value, *format == 'u' ? 10 : 16, false, how);
        } else if (*format == '%') {
            put('%', context);
        } else {
            put(*start, context);
            format = start;
        }
    }
}
