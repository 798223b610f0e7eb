/* SPDX-License-Identifier: MIT */
#include "system_files.h"

#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *system_path(const char *path)
{
    const char *root = getenv("EXITMETER_ROOT");
    return text("%s%s", root ? root : "", path);
}

static FILE *open_file(const char *path)
{
    char *whole = system_path(path);
    FILE *file = fopen(whole, "re");
    int saved = errno;
    free(whole);
    errno = saved;
    return file;
}

bool system_exists(const char *path)
{
    char *whole = system_path(path);
    bool exists = access(whole, F_OK) == 0;
    free(whole);
    return exists;
}

static bool read_line(FILE *file, char **line)
{
    size_t size = 0;
    *line = NULL;
    if (getline(line, &size, file) < 0) {
        free(*line);
        *line = NULL;
        return false;
    }
    (*line)[strcspn(*line, "\n")] = '\0';
    return true;
}

char *system_line(const char *path)
{
    char *line;
    FILE *file = open_file(path);
    if (!file)
        return NULL;
    if (!read_line(file, &line))
        line = text("%s", "");
    fclose(file);
    return printable(line);
}

char *system_cpuinfo(const char *name)
{
    char *line, *value = NULL;
    size_t length = strlen(name);
    FILE *file = open_file("/proc/cpuinfo");
    while (file && !value && read_line(file, &line)) {
        char *colon = strchr(line, ':');
        if (colon && strncmp(line, name, length) == 0 &&
            line[length + strspn(line + length, " \t")] == ':')
            value = text("%s", colon + 1 + (colon[1] == ' '));
        free(line);
    }
    if (file)
        fclose(file);
    for (char *c = value; c && *c; c++)
        if (*c == '\t')
            *c = ' ';
    return value ? printable(value) : NULL;
}

bool system_cpu_flag(const char *flag)
{
    char *flags = system_cpuinfo("flags"), *state, *word;
    bool found = false;
    for (word = flags ? strtok_r(flags, " ", &state) : NULL; word && !found;
         word = strtok_r(NULL, " ", &state))
        found = strcmp(word, flag) == 0;
    free(flags);
    return found;
}

char *system_module(const char *module, const char *parameter)
{
    char *path = text("/sys/module/%s/parameters/%s", module, parameter);
    char *value = system_line(path);
    free(path);
    return value;
}
