# SPDX-License-Identifier: MIT
# The exitmeter binary and its unit tests. Included by the top Makefile, which sets CC, CXX,
# HOST_CFLAGS, HOST_CXXFLAGS and BUILD.

BENCH_SOURCES := $(wildcard bench/*.c)
BENCH_SHIM := bench/benchmark_shim.cc
BENCH_OBJECTS := $(BENCH_SOURCES:bench/%.c=$(BUILD)/bench/%.o) $(BUILD)/bench/benchmark_shim.o
BENCH_LIBS := -lbenchmark -lpopt -ljansson -lmd -lpfm -lpthread

$(BUILD)/exitmeter: $(BENCH_OBJECTS) $(LOADER_LIBRARY) $(CORPUS_LIBRARY)
	$(Q)$(CXX) -o $@ $(filter %.o %.a,$^) $(BENCH_LIBS)

$(BUILD)/bench/%.o: bench/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(HOST_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/bench/benchmark_shim.o: $(BENCH_SHIM)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(HOST_CXXFLAGS) -MMD -MP -c -o $@ $<

# Unit tests: everything but main() and Google Benchmark, under the sanitizers. One object each for
# all of them; every bench/tests/test_NAME.c becomes $(BUILD)/tests/bench_NAME.
BENCH_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
BENCH_TESTED := $(filter-out bench/main.c bench/command_%.c bench/run_report.c bench/run_select.c bench/run_guest.c \
	bench/run_benchmarks.c bench/run_several.c, \
	$(BENCH_SOURCES))
BENCH_TEST_OBJECTS := $(BENCH_TESTED:bench/%.c=$(BUILD)/bench/sanitized/%.o)
BENCH_UNIT_TESTS := $(patsubst bench/tests/test_%.c,$(BUILD)/tests/bench_%, \
	$(wildcard bench/tests/test_*.c))

$(BUILD)/bench/sanitized/%.o: bench/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(HOST_CFLAGS) $(BENCH_SANITIZE) -MMD -MP -c -o $@ $<

$(BUILD)/tests/bench_%: bench/tests/test_%.c $(BENCH_TEST_OBJECTS) $(CORPUS_LIBRARY)
	@mkdir -p $(@D) $(BUILD)/bench/tests
	$(Q)$(CC) $(HOST_CFLAGS) $(BENCH_SANITIZE) -MMD -MP -MF $(BUILD)/bench/tests/$*.d -o $@ \
		$(filter %.c %.o %.a,$^) \
		-lcmocka -lpopt -ljansson -lmd -lpfm

# The image's sender, at the other end of the line.
$(BUILD)/tests/bench_serial: $(BUILD)/hosted/guests/image/serial_send.o

.SECONDARY: $(BENCH_TEST_OBJECTS)

# The harness's own hot code, timed: all of it but main().
NATIVE_OBJECTS := $(patsubst bench/native/%.c,$(BUILD)/bench/native/%.o,$(wildcard bench/native/*.c))
BENCH_LIBRARY := $(filter-out $(BUILD)/bench/main.o,$(BENCH_OBJECTS))

$(BUILD)/bench-harness: $(NATIVE_OBJECTS) $(BENCH_LIBRARY) $(LOADER_LIBRARY) $(CORPUS_LIBRARY)
	$(Q)$(CXX) -o $@ $(filter %.o %.a,$^) $(BENCH_LIBS)

-include $(NATIVE_OBJECTS:.o=.d)

# bench/tests/fuzz/fuzz_NAME.c becomes $(BUILD)/fuzz/NAME, by clang, whose libFuzzer it is.
FUZZ_BENCH = $(patsubst bench/tests/fuzz/fuzz_%.c,$(BUILD)/fuzz/%,$(wildcard bench/tests/fuzz/fuzz_*.c))
FUZZ_BENCH_OBJECTS = $(BENCH_TESTED:%.c=$(BUILD)/fuzz/harness/%.o)

# libFuzzer follows what is compared; how near two names are is many comparisons that lead nowhere.
FUZZ_FOLLOWS = fuzzer-no-link,
$(BUILD)/fuzz/harness/bench/nearest.o: FUZZ_FOLLOWS =

$(BUILD)/fuzz/harness/%.o: %.c
	@mkdir -p $(@D)
	$(Q)clang $(HOST_CFLAGS) -fsanitize=$(FUZZ_FOLLOWS)address,undefined -fno-sanitize-recover=all -MMD -MP -c -o $@ $<

$(FUZZ_BENCH): $(BUILD)/fuzz/%: $(BUILD)/fuzz/harness/bench/tests/fuzz/fuzz_%.o $(FUZZ_BENCH_OBJECTS) $(CORPUS_LIBRARY)
	$(Q)clang -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o $@ $^ -lpopt -ljansson -lmd -lpfm

-include $(FUZZ_BENCH_OBJECTS:.o=.d)

-include $(BENCH_OBJECTS:.o=.d) $(BENCH_TEST_OBJECTS:.o=.d) $(wildcard $(BUILD)/bench/tests/*.d)

# In place of a BIOS, on machines that the harness loads itself.
QEMU_RESET = $(BUILD)/qemu-reset.bin

$(QEMU_RESET): bench/qemu_reset.S
	@mkdir -p $(@D)
	$(Q)$(CC) -c -o $(BUILD)/qemu-reset.o $<
	$(Q)$(LD) -m elf_x86_64 --oformat=binary -Ttext 0 -e 0 -o $@ $(BUILD)/qemu-reset.o
