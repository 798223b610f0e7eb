/* SPDX-License-Identifier: MIT */
#include "corpus.h"

#include "row_exits.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const gate_names[GATES] = {
    [GATE_ALWAYS] = "always", [GATE_MSR_READ] = "msr_read",   [GATE_MSR_WRITE] = "msr_write",
    [GATE_IO] = "io",         [GATE_EXCEPTION] = "exception", [GATE_CR0] = "cr0",
    [GATE_CR4] = "cr4",
};

const char *gate_name(uint32_t gate)
{
    return gate < GATES ? gate_names[gate] : NULL;
}

bool benchmark_is_check(const struct benchmark *benchmark)
{
    return benchmark->row.flags & ROW_CHECK;
}

bool benchmark_is_root(const struct benchmark *benchmark)
{
    return benchmark->row.flags & ROW_ROOT;
}

/* The size bytes at a guest-physical address, or NULL unless all of them are in the file. */
static const uint8_t *at(const struct bytes *file, uint64_t address, uint64_t size)
{
    uint64_t offset = address - GUEST_BLOB_BASE;
    if (address < GUEST_BLOB_BASE || offset > file->size || size > file->size - offset)
        return NULL;
    return file->data + offset;
}

/* The string at a guest-physical address, or NULL unless it ends in the file, printable till there.
 */
static const char *string_at(const struct bytes *file, uint64_t address)
{
    const uint8_t *start = at(file, address, 1);
    if (!start)
        return NULL;
    for (const uint8_t *c = start; c < file->data + file->size; c++) {
        if (*c == '\0')
            return (const char *)start;
        if (*c < ' ' || *c > '~')
            return NULL;
    }
    return NULL;
}

static bool name_valid(const char *name)
{
    return name && *name && strlen(name) < PLAN_NAME_SIZE &&
           name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_/-")] == '\0';
}

/* What is wrong with the header, or NULL. */
static char *check_header(const struct bytes *file, struct blob_header *header)
{
    if (file->size < sizeof(*header))
        return text("%zu bytes are too few for a guest blob", file->size);
    memcpy(header, file->data, sizeof(*header));
    if (header->magic != GUEST_BLOB_MAGIC)
        return text("not a guest blob (magic 0x%llx)", (unsigned long long)header->magic);
    if (header->version != GUEST_BLOB_VERSION || header->row_size != sizeof(struct blob_row))
        return text("guest blob version %u with rows of %u bytes; this exitmeter reads version %u "
                    "with %zu",
                    header->version, header->row_size, GUEST_BLOB_VERSION, sizeof(struct blob_row));
    if (header->file_end != GUEST_BLOB_BASE + file->size)
        return text("the header says the file ends at 0x%llx, but it ends at 0x%llx",
                    (unsigned long long)header->file_end,
                    (unsigned long long)(GUEST_BLOB_BASE + file->size));
    if (header->memory_end < header->file_end || header->memory_end > GUEST_BLOB_LIMIT)
        return text("memory end 0x%llx is not between 0x%llx and 0x%llx",
                    (unsigned long long)header->memory_end, (unsigned long long)header->file_end,
                    (unsigned long long)GUEST_BLOB_LIMIT);
    if (!at(file, header->entry, 1))
        return text("the entry point lies outside the file");
    if (header->entry_protected && !at(file, header->entry_protected, 1))
        return text("the entry point in protected mode lies outside the file");
    if (header->low_size && (!at(file, header->low, header->low_size) ||
                             header->low_size > GUEST_LOW_LIMIT - GUEST_LOW_BASE))
        return text("the low part of %u bytes lies outside the file, or is too large",
                    header->low_size);
    if (header->row_count == 0 || header->row_count > CORPUS_ROWS_MAX)
        return text("%u rows; 1 to %u are possible", header->row_count, CORPUS_ROWS_MAX);
    if (!at(file, header->rows, header->row_count * sizeof(struct blob_row)))
        return text("the table of %u rows lies outside the file", header->row_count);
    return NULL;
}

/* What is wrong with an exit that the row expects, or NULL. */
static char *check_exit(const struct row_exit *exit)
{
    if (!gate_name(exit->gate))
        return text("unknown gate %u", exit->gate);
    if (exit->reason >= PROBE_REASONS)
        return text("there is no exit reason %u", exit->reason);
    if (exit->gate == GATE_IO && (exit->index > 0xffff || exit->width == 0 || exit->width > 4))
        return text("%u bytes at port 0x%x are no I/O access", exit->width, exit->index);
    if (exit->gate == GATE_EXCEPTION && exit->index > 31)
        return text("there is no exception %u", exit->index);
    for (unsigned i = 0; i < sizeof(exit->when_on); i++)
        if ((exit->when_on[i] && !row_control_name(exit->when_on[i])) ||
            (exit->when_off[i] && !row_control_name(exit->when_off[i])))
            return text("there is no VM-execution control %u or %u", exit->when_on[i],
                        exit->when_off[i]);
    return NULL;
}

static char *check_exits(const struct blob_row *row)
{
    char *wrong = NULL;
    for (unsigned i = 0; i < ROW_EXITS && row->exits[i].times && !wrong; i++)
        wrong = check_exit(&row->exits[i]);
    if (!wrong && row_exits_most(row) > ROW_EXITS_MOST)
        wrong = text("it takes more than %u exits", ROW_EXITS_MOST);
    return wrong;
}

static bool code_is_inside(const struct bytes *file, const struct blob_row *row)
{
    const uint64_t optional[] = {row->twice, row->setup, row->teardown, row->other};
    for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++)
        if (optional[i] && !at(file, optional[i], 1))
            return false;
    return at(file, row->op, 1) && (at(file, row->control, 1) || row->flags & ROW_CHECK);
}

/* What is wrong with the row, or NULL; fills in benchmark. */
static char *check_row(const struct bytes *file, const struct blob_header *header, uint32_t index,
                       struct benchmark *benchmark)
{
    const struct blob_row *row = &benchmark->row;
    benchmark->name = string_at(file, row->name);
    benchmark->description = string_at(file, row->description);
    benchmark->instruction = string_at(file, row->instruction);
    if (!name_valid(benchmark->name))
        return text("row %u has no valid name (1 to %u of a-z 0-9 _ / -)", index,
                    PLAN_NAME_SIZE - 1);
    if (!benchmark->description || !benchmark->instruction)
        return text("row %u (%s): description or instruction is no string in the file", index,
                    benchmark->name);
    if (!code_is_inside(file, row))
        return text("row %u (%s): its code lies outside the file", index, benchmark->name);
    if ((row->flags & ROW_START_MODE) == ROW_START_MODE ||
        (row->flags & ROW_START_REAL && !header->low_size) ||
        (row->flags & ROW_START_PROTECTED && !header->entry_protected))
        return text("row %u (%s) starts in a mode that the file has no entry for", index,
                    benchmark->name);
    if (!row->other != !(row->requires & ROW_REQUIRES_TWO_CPUS) ||
        (row->other && row->flags & ROW_START_MODE))
        return text("row %u (%s): two CPUs and code for the second go together, in 64-bit mode",
                    index, benchmark->name);
    char *wrong = check_exits(row);
    if (!wrong && row->flags & ROW_ROOT && (row->flags != ROW_ROOT || row->exits[0].times))
        wrong = text("what is measured in VMX root operation takes no exits and has no other flag");
    if (!wrong)
        return NULL;
    char *named = text("row %u (%s): %s", index, benchmark->name, wrong);
    free(wrong);
    return named;
}

int corpus_parse(const struct bytes *bytes, struct corpus *corpus, char **error)
{
    struct blob_header header;
    *corpus = (struct corpus){.file = *bytes};
    if ((*error = check_header(bytes, &header)))
        return -1;

    const uint8_t *rows = at(bytes, header.rows, header.row_count * sizeof(struct blob_row));
    corpus->benchmarks = zeroed(header.row_count, sizeof(corpus->benchmarks[0]));
    for (; corpus->count < header.row_count && !*error; corpus->count++) {
        struct benchmark *benchmark = &corpus->benchmarks[corpus->count];
        memcpy(&benchmark->row, rows + corpus->count * sizeof(struct blob_row),
               sizeof(benchmark->row));
        *error = check_row(bytes, &header, corpus->count, benchmark);
        for (uint32_t i = 0; !*error && i < corpus->count; i++)
            if (strcmp(corpus->benchmarks[i].name, benchmark->name) == 0)
                *error =
                    text("rows %u and %u are both named %s", i, corpus->count, benchmark->name);
    }
    if (!*error)
        return 0;
    free(corpus->benchmarks);
    *corpus = (struct corpus){.file = *bytes};
    return -1;
}

int corpus_open(const char *path, struct corpus *corpus, char **error)
{
    struct bytes bytes;
    char *what;
    if (bytes_map(path, &bytes) < 0) {
        *error = text("%s: %s", path, strerror(errno));
        return -1;
    }
    if (corpus_parse(&bytes, corpus, &what) == 0)
        return 0;
    bytes_unmap(&bytes);
    corpus->file = bytes;
    *error = text("%s: %s", path, what);
    free(what);
    return -1;
}

void corpus_close(struct corpus *corpus)
{
    free(corpus->benchmarks);
    bytes_unmap(&corpus->file);
    *corpus = (struct corpus){0};
}
