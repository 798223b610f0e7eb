/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer around Python: `make fuzz`. The file that is run is called like the function of
 * analysis/tests/fuzz_targets.py that takes the input: whatever that raises is a finding. Python
 * has no coverage for libFuzzer, so a trace function makes it: a counter for each step from one
 * line to the next in analysis/, told apart by the two lines.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <frameobject.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNTERS 65536u /* a few thousand lines: two steps seldom share one */

/* What libFuzzer calls, and what of it is called here. */
int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room);
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): they are called so. */
void __sanitizer_cov_8bit_counters_init(uint8_t *begin, uint8_t *end);
void __sanitizer_cov_pcs_init(const uintptr_t *begin, const uintptr_t *end);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static uint8_t counters[COUNTERS];
static uintptr_t places[2 * COUNTERS]; /* address, which only has to be its own, and flags */

static PyObject *target, *mutator;
static Py_ssize_t mark; /* of code objects: what place_of() found */
static uint32_t last;   /* the line before */

__attribute__((noreturn)) static void give_up(void)
{
    PyErr_Print();
    abort();
}

static uint32_t hash(uint32_t value)
{
    value = (value ^ value >> 16) * 0x7feb352du;
    value = (value ^ value >> 15) * 0x846ca68bu;
    return value ^ value >> 16;
}

/* What stands for a code object of analysis/ itself, the same in each process; 0: of any other. */
static uint32_t place_of(PyCodeObject *code)
{
    void *known;

    if (_PyCode_GetExtra((PyObject *)code, mark, &known) == 0 && known)
        return (uint32_t)((uintptr_t)known >> 1);
    const char *file = PyUnicode_AsUTF8(code->co_filename);
    const char *name = file ? strrchr(file, '/') : NULL;
    uint32_t place = 0;
    if (name && name - file >= 9 && strncmp(name - 9, "/analysis", 9) == 0) {
        place = (uint32_t)code->co_firstlineno;
        for (; *name; name++)
            place = hash(place ^ (unsigned char)*name);
        place >>= 1;
    }
    PyErr_Clear();
    _PyCode_SetExtra((PyObject *)code, mark, (void *)((uintptr_t)place << 1 | 1));
    return place;
}

/* Lines of other code are not even told. */
static int trace(PyObject *self, PyFrameObject *frame, int what, PyObject *argument)
{
    (void)self, (void)argument;
    if (what != PyTrace_LINE && what != PyTrace_CALL)
        return 0;
    PyCodeObject *code = PyFrame_GetCode(frame);
    uint32_t place = place_of(code);
    Py_DECREF(code);
    if (!place)
        return what == PyTrace_CALL
                   ? PyObject_SetAttrString((PyObject *)frame, "f_trace_lines", Py_False)
                   : 0;
    uint32_t now = hash(place + (uint32_t)PyFrame_GetLineNumber(frame));
    uint8_t *counter = &counters[(now ^ last) % COUNTERS];
    *counter += *counter < UINT8_MAX;
    last = now >> 1;
    return 0;
}

static void start_python(const char *home)
{
    PyConfig config;

    PyConfig_InitPythonConfig(&config);
    config.use_hash_seed = 1; /* sets have the same order each time */
    config.hash_seed = 0;
    config.write_bytecode = 0;
    config.install_signal_handlers = 0;
    PyConfig_SetBytesString(&config, &config.program_name, FUZZ_PYTHON);
    if (PyStatus_Exception(Py_InitializeFromConfig(&config))) {
        fprintf(stderr, "fuzz: Python does not start\n");
        exit(2);
    }
    PyConfig_Clear(&config);
    PyObject *path = PySys_GetObject("path"), *first = PyUnicode_DecodeFSDefault(home);
    if (!first || !path || PyList_Insert(path, 0, first) != 0)
        give_up();
    Py_DECREF(first);
}

/* What fuzz_targets.py wants done at the end. */
static void end(void)
{
    PyEval_SetTrace(NULL, NULL);
    Py_FinalizeEx();
}

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void)count;
    const char *name = strrchr((*arguments)[0], '/');

    name = name ? name + 1 : (*arguments)[0];
    for (size_t i = 0; i < COUNTERS; i++)
        places[2 * i] = i + 1;
    __sanitizer_cov_8bit_counters_init(counters, counters + COUNTERS);
    __sanitizer_cov_pcs_init(places, places + 2 * COUNTERS);
    start_python(FUZZ_HOME);
    PyObject *module = PyImport_ImportModule("analysis.tests.fuzz_targets");
    if (!module || !(target = PyObject_GetAttrString(module, name)))
        give_up();
    mutator = PyObject_GetAttrString(module, "mutate");
    if (!mutator)
        give_up();
    mark = _PyEval_RequestCodeExtraIndex(NULL);
    PyEval_SetTrace(trace, NULL);
    atexit(end);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    last = 0;
    PyObject *result = PyObject_CallFunction(target, "y#", (const char *)data, (Py_ssize_t)size);
    if (!result)
        give_up();
    Py_DECREF(result);
    return 0;
}

/* Every other time by what the input says, where that is JSON; else bytes. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned int seed)
{
    if (seed % 4 == 0)
        return LLVMFuzzerMutate(data, size, room);
    PyEval_SetTrace(NULL, NULL);
    PyObject *made = PyObject_CallFunction(mutator, "Oy#nI", target, (const char *)data,
                                           (Py_ssize_t)size, (Py_ssize_t)room, seed);
    if (!made)
        give_up();
    PyEval_SetTrace(trace, NULL);
    char *bytes;
    Py_ssize_t length;
    bool usable =
        PyBytes_AsStringAndSize(made, &bytes, &length) == 0 && length > 0 && (size_t)length <= room;
    PyErr_Clear();
    if (usable)
        memcpy(data, bytes, (size_t)length);
    Py_DECREF(made);
    return usable ? (size_t)length : LLVMFuzzerMutate(data, size, room);
}
