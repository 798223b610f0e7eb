/* SPDX-License-Identifier: MIT */
/*
 * What the kernel says of this machine: files of /proc, /sys and /dev. They are looked for below
 * the directory that the environment's EXITMETER_ROOT names, which is how tests make a machine up.
 */
#ifndef EXITMETER_BENCH_SYSTEM_FILES_H
#define EXITMETER_BENCH_SYSTEM_FILES_H

#include <stdbool.h>

/* The path with the root in front; free() it. */
char *system_path(const char *path);

bool system_exists(const char *path);

/* The first line of a file, printable, without its line feed; NULL with errno set; free() it. */
char *system_line(const char *path);

/* A line of /proc/cpuinfo by its name, that of the first CPU; NULL if there is none; free() it. */
char *system_cpuinfo(const char *name);

/* Whether the word stands among the flags of /proc/cpuinfo. */
bool system_cpu_flag(const char *flag);

/* What a module was loaded with, "Y", "N" or a number; NULL if it is not there; free() it. */
char *system_module(const char *module, const char *parameter);

#endif
