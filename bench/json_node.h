/* SPDX-License-Identifier: MIT */
/*
 * A JSON file read with suspicion: each access is checked, and the first that is wrong says the
 * file, where in it, and how. What follows after that reads nothing: the error is looked at once.
 */
#ifndef EXITMETER_BENCH_JSON_NODE_H
#define EXITMETER_BENCH_JSON_NODE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct json_reader {
    const char *file; /* as messages have it */
    char *error;      /* NULL while nothing is wrong; free() it */
};

/* A value, and the way to it: what it lies in, and under which key or at which place. */
struct json_node {
    struct json_reader *reader;
    const struct json_node *parent; /* NULL: the top */
    const char *key;                /* NULL: an element of a list, at index */
    size_t index;
    const json_t *value; /* NULL after an error */
};

/* Reads the file, whose top must be an object; the document is to be json_decref()ed, or NULL. */
json_t *json_reader_load(struct json_reader *reader, struct json_node *top);

/* Notes the error, if it is the first: message is freed. Returns false. */
bool json_wrong(const struct json_node *node, char *message);

/* A member that must be there; the parent must outlive it. */
struct json_node json_member(const struct json_node *object, const char *key);

/* Elements of what must be a list; 0 if it is none. */
size_t json_length(const struct json_node *list);
struct json_node json_element(const struct json_node *list, size_t index);

bool json_is_absent(const struct json_node *object, const char *key); /* or null */

/* A whole number from 0 to most; 0 after an error. */
uint64_t json_count(const struct json_node *node, uint64_t most);

/* A string; "" after an error. Stays with the document. */
const char *json_text(const struct json_node *node);

/* A string "0x12ab" of at most 64 bits; 0 after an error. */
uint64_t json_bits(const struct json_node *node);

#endif
