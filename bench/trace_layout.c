/* SPDX-License-Identifier: MIT */
#include "trace_layout.h"

#include "../probes/record.h"
#include "text.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

struct field {
    unsigned bits;
    const char *name;
    size_t offset;
    const char *unit; /* packet fields: the part of CTF's packet they belong to */
    const char *description;
};

static const struct field record_fields[] = {
#define RECORD_FIELD(bits, name, unit, description) \
    {bits, #name, offsetof(struct record, name), unit, description},
#include "../probes/record_fields.h"
#undef RECORD_FIELD
};

static const struct field wide_fields[] = {
#define WIDE_FIELD(bits, name, unit, description) \
    {bits, #name, offsetof(struct wide_record, name), unit, description},
#include "../probes/wide_fields.h"
#undef WIDE_FIELD
};

static const struct field packet_fields[] = {
#define PACKET_FIELD(bits, name, part, description) \
    {bits, #name, offsetof(struct packet_header, name), #part, description},
#include "../probes/packet_fields.h"
#undef PACKET_FIELD
};

static const struct {
    unsigned number;
    const char *name;
} exit_reasons[] = {
#define EXIT_REASON(number, symbol, name) {number, name},
#include "../core/vmx/exit_reason_list.h"
#undef EXIT_REASON
};

const char *trace_reason_name(unsigned reason)
{
    for (size_t i = 0; i < ARRAY_SIZE(exit_reasons); i++)
        if (exit_reasons[i].number == reason)
            return exit_reasons[i].name;
    return "an unknown exit reason";
}

/* The first record fields are CTF's event header. */
#define HEADER_FIELDS 2u

static bool is_clock(const struct field *field)
{
    return strncmp(field->name, "timestamp_", 10) == 0 || field == &record_fields[0];
}

static void print_field(FILE *out, const char *indent, const struct field *field, const char *name)
{
    fprintf(out, "%s%s%u %s;\n", indent, is_clock(field) ? "clock" : "uint", field->bits, name);
}

static void print_packet_part(FILE *out, const char *indent, const char *part)
{
    for (size_t i = 0; i < ARRAY_SIZE(packet_fields); i++)
        if (strcmp(packet_fields[i].unit, part) == 0)
            print_field(out, indent, &packet_fields[i], packet_fields[i].name);
}

static void print_types(FILE *out, const char *unit)
{
    fprintf(out,
            "/* CTF 1.8 */\n\n"
            "/* One step of the clock is one of the target's %s, shown as 1 ns. */\n"
            "clock {\n\tname = tsc;\n\tdescription = \"time stamp counter, %s shown as ns\";\n"
            "\tfreq = 1000000000;\n\toffset = 0;\n};\n\n",
            unit, unit);
    for (unsigned bits = 8; bits <= 64; bits *= 2)
        fprintf(out, "typealias integer { size = %u; align = 8; signed = false; } := uint%u;\n",
                bits, bits);
    fputs("typealias integer { size = 64; align = 8; signed = false; map = clock.tsc.value; } "
          ":= clock64;\n\n",
          out);
}

static void print_stream(FILE *out)
{
    fputs("trace {\n\tmajor = 1;\n\tminor = 8;\n\tbyte_order = le;\n\tpacket.header := struct {\n",
          out);
    print_packet_part(out, "\t\t", "header");
    fputs("\t};\n};\n", out);
    for (unsigned stream = 0; stream < PROBE_STREAMS; stream++) {
        fprintf(out, "\nstream {\n\tid = %u;\n\tpacket.context := struct {\n", stream);
        print_packet_part(out, "\t\t", "context");
        fputs("\t};\n\tevent.header := struct {\n", out);
        print_field(out, "\t\t", &record_fields[0], "timestamp");
        print_field(out, "\t\t", &record_fields[1], "id");
        fputs("\t};\n};\n", out);
    }
}

static void print_event(FILE *out, unsigned stream, unsigned id, const char *name)
{
    fprintf(out, "\nevent {\n\tid = %u;\n\tname = \"%s\";\n\tstream_id = %u;\n", id, name, stream);
    fputs("\tfields := struct {\n", out);
    for (size_t i = HEADER_FIELDS; i < ARRAY_SIZE(record_fields); i++)
        print_field(out, "\t\t", &record_fields[i], record_fields[i].name);
    for (size_t i = 0; stream > 0 && i < ARRAY_SIZE(wide_fields); i++)
        print_field(out, "\t\t", &wide_fields[i], wide_fields[i].name);
    fputs("\t};\n};\n", out);
}

char *trace_metadata(const char *unit)
{
    char *metadata;
    size_t size;
    FILE *out = open_memstream(&metadata, &size);
    if (!out)
        return text("%s", "");
    print_types(out, unit);
    print_stream(out);
    for (unsigned stream = 0; stream < PROBE_STREAMS; stream++) {
        for (size_t i = 0; i < ARRAY_SIZE(exit_reasons); i++)
            print_event(out, stream, exit_reasons[i].number, exit_reasons[i].name);
        print_event(out, stream, RECORD_REASON_VMFAIL, "VM entry failed, VMfail");
    }
    fclose(out);
    return metadata;
}

static json_t *layout_of(const struct field *fields, size_t count, const char *unit_key)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:s, s:i, s:i, s:s, s:s}", "name", fields[i].name,
                                              "bits", (int)fields[i].bits, "offset",
                                              (int)fields[i].offset, unit_key, fields[i].unit,
                                              "description", fields[i].description));
    return list;
}

char *trace_layout_json(void)
{
    json_t *layout = json_pack(
        "{s:s, s:i, s:o, s:o, s:i, s:o}", "schema", "exitmeter.layout/1", "record_size",
        (int)RECORD_SIZE, "record", layout_of(record_fields, ARRAY_SIZE(record_fields), "unit"),
        "packet", layout_of(packet_fields, ARRAY_SIZE(packet_fields), "part"), "wide_record_size",
        (int)sizeof(struct wide_record), "wide",
        layout_of(wide_fields, ARRAY_SIZE(wide_fields), "unit"));
    char *json = json_dumps(layout, JSON_INDENT(1));
    char *result = text("%s\n", json);
    free(json);
    json_decref(layout);
    return result;
}
