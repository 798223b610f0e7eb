/* SPDX-License-Identifier: MIT */
#include "json_node.h"

#include "text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

json_t *json_reader_load(struct json_reader *reader, struct json_node *top)
{
    json_error_t wrong;
    json_t *document = json_load_file(reader->file, JSON_REJECT_DUPLICATES, &wrong);

    *top = (struct json_node){.reader = reader, .value = document};
    if (!document && wrong.line < 0)
        reader->error = printable(text("%s", wrong.text)); /* which names the file */
    else if (!document)
        reader->error =
            text("%s:%d: not valid JSON: %s", reader->file, wrong.line, printable(wrong.text));
    else if (!json_is_object(document))
        json_wrong(top, text("an object is needed"));
    return document;
}

/* "profiles[1].profile.guest"; free() it. */
static char *way_to(const struct json_node *node)
{
    if (!node->parent)
        return text("%s", "");
    char *before = way_to(node->parent);
    char *way = node->key ? text("%s%s%s", before, *before ? "." : "", node->key)
                          : text("%s[%zu]", before, node->index);
    free(before);
    return way;
}

bool json_wrong(const struct json_node *node, char *message)
{
    if (!node->reader->error) {
        char *way = way_to(node);
        node->reader->error =
            text("%s: %s%s%s", node->reader->file, way, *way ? ": " : "", message);
        free(way);
    }
    free(message);
    return false;
}

struct json_node json_member(const struct json_node *object, const char *key)
{
    struct json_node member = {.reader = object->reader, .parent = object, .key = key};

    if (!object->value)
        return member;
    if (!json_is_object(object->value)) {
        json_wrong(object, text("an object is needed"));
        return member;
    }
    member.value = json_object_get(object->value, key);
    if (!member.value)
        json_wrong(object, text("key \"%s\" is missing", key));
    return member;
}

size_t json_length(const struct json_node *list)
{
    if (list->value && !json_is_array(list->value))
        json_wrong(list, text("a list is needed"));
    return list->value ? json_array_size(list->value) : 0;
}

struct json_node json_element(const struct json_node *list, size_t index)
{
    return (struct json_node){.reader = list->reader,
                              .parent = list,
                              .index = index,
                              .value = list->value ? json_array_get(list->value, index) : NULL};
}

bool json_is_absent(const struct json_node *object, const char *key)
{
    const json_t *member = object->value ? json_object_get(object->value, key) : NULL;
    return !member || json_is_null(member);
}

uint64_t json_count(const struct json_node *node, uint64_t most)
{
    if (!node->value)
        return 0;
    json_int_t value = json_is_integer(node->value) ? json_integer_value(node->value) : -1;
    if (value >= 0 && (uint64_t)value <= most)
        return (uint64_t)value;
    json_wrong(node, text("a whole number from 0 to %" PRIu64 " is needed", most));
    return 0;
}

const char *json_text(const struct json_node *node)
{
    const char *string = node->value ? json_string_value(node->value) : NULL;
    if (node->value && !string)
        json_wrong(node, text("a string is needed"));
    return string ? string : "";
}

uint64_t json_bits(const struct json_node *node)
{
    const char *string = json_text(node), *digits = string + 2;

    if (!node->value || node->reader->error)
        return 0;
    if (strncmp(string, "0x", 2) == 0 && *digits && strlen(digits) <= 16 &&
        strspn(digits, "0123456789abcdef") == strlen(digits))
        return strtoull(digits, NULL, 16);
    json_wrong(node, text("a string of the form \"0x12ab\" is needed"));
    return 0;
}
