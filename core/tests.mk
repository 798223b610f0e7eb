# SPDX-License-Identifier: MIT
# The hosted build: core, probes and guests/image against a simulated CPU, under the sanitizers.
# Included by the top Makefile behind core/core.mk. Every core/tests/test_NAME.c becomes
# $(BUILD)/tests/core_NAME, guests/tests/unit_NAME.c guests_NAME, probes/tests/test_NAME.c
# probes_NAME.

HOSTED_SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all
HOSTED_CFLAGS = -std=gnu11 -D_GNU_SOURCE -DEXITMETER_SIMULATED -O1 -g -Wall -Wextra -Werror \
	-fno-omit-frame-pointer $(HOSTED_SANITIZE) $(HOSTED_EXTRA_CFLAGS)

# The image's own C library and services, under names that leave the host's alone.
HOSTED_RENAMED = memcpy memmove memset memcmp memchr strlen platform_pages_allocate platform_pages_free \
	platform_physical platform_at platform_log
HOSTED_RENAMES = -fno-builtin $(foreach name,$(HOSTED_RENAMED),-D$(name)=boot_$(name))

HOSTED = $(BUILD)/core/hosted
HOSTED_SUPPORT = $(filter-out core/tests/test_%.c core/tests/exit_fixture.c,$(wildcard core/tests/*.c)) \
	$(wildcard guests/tests/*_fixture.c)
HOSTED_SOURCES = $(CORE_SOURCES) probes/ring.c $(HOSTED_SUPPORT) \
	$(filter-out guests/image/main.c guests/image/region.c,$(wildcard guests/image/*.c)) $(wildcard guests/loader/*.c) \
	core/boot/multiboot2.c core/boot/acpi.c core/boot/madt.c core/boot/fadt.c core/boot/soft_off.c
HOSTED_BOOT = core/boot/string.c core/boot/memory.c core/boot/console.c core/boot/serial.c \
	core/boot/screen.c core/boot/framebuffer.c
HOSTED_LIBRARY = $(HOSTED)/core.a
HOSTED_COUNTED_LIBRARY = $(HOSTED)/counted.a

HOSTED_OBJECTS = $(HOSTED_SOURCES:%.c=$(HOSTED)/plain/%.o) $(HOSTED_BOOT:%.c=$(HOSTED)/plain/%.o)
HOSTED_COUNTED_OBJECTS = $(HOSTED_SOURCES:%.c=$(HOSTED)/counted/%.o)

CORE_EXIT_TESTS = $(wildcard core/tests/test_exit_*.c)
# core/tests/threads/NAME.c becomes $(BUILD)/tests/threads_NAME, under ThreadSanitizer, with the
# sources of the local APIC and what it wants of its surroundings itself.
THREAD_TESTS = $(patsubst core/tests/threads/%.c,$(BUILD)/tests/threads_%,$(wildcard core/tests/threads/*.c))
THREAD_CFLAGS = $(filter-out $(HOSTED_SANITIZE),$(HOSTED_CFLAGS)) -fsanitize=thread

$(BUILD)/tests/threads_%: core/tests/threads/%.c $(APIC_SOURCES) $(wildcard core/exits/*apic*.h)
	@mkdir -p $(@D)
	$(Q)$(CC) $(THREAD_CFLAGS) -o $@ $(filter %.c,$^) -lpthread

CORE_UNIT_TESTS = $(THREAD_TESTS) $(patsubst core/tests/test_%.c,$(BUILD)/tests/core_%,$(wildcard core/tests/test_*.c)) \
	$(patsubst core/tests/test_%.c,$(BUILD)/tests/core_counted_%,$(CORE_EXIT_TESTS)) \
	$(patsubst probes/tests/test_%.c,$(BUILD)/tests/probes_%,$(wildcard probes/tests/test_*.c)) \
	$(patsubst guests/tests/unit_%.c,$(BUILD)/tests/guests_%,$(wildcard guests/tests/unit_*.c))

$(HOSTED_LIBRARY): $(HOSTED_OBJECTS)
$(HOSTED_COUNTED_LIBRARY): $(HOSTED_COUNTED_OBJECTS)
$(HOSTED_LIBRARY) $(HOSTED_COUNTED_LIBRARY):
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(HOSTED)/plain/guests/image/driver.o $(HOSTED)/counted/guests/image/driver.o: \
	HOSTED_CFLAGS += -DCOMPILER='"hosted"'
$(HOSTED_BOOT:%.c=$(HOSTED)/plain/%.o): HOSTED_CFLAGS += $(HOSTED_RENAMES)

$(HOSTED)/plain/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(HOSTED_CFLAGS) -MMD -MP -c -o $@ $<

# The handlers as they are built for counting; the tests of exits run on both.
$(HOSTED)/counted/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(HOSTED_CFLAGS) -DPROBE_COUNTING -MMD -MP -c -o $@ $<

$(BUILD)/tests/core_%: $(HOSTED)/plain/core/tests/test_%.o $(HOSTED)/plain/core/tests/exit_fixture.o \
		$(HOSTED_LIBRARY)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HOSTED_SANITIZE) $(HOSTED_EXTRA_CFLAGS) -o $@ $^ -lcmocka

$(BUILD)/tests/core_counted_%: $(HOSTED)/counted/core/tests/test_%.o \
		$(HOSTED)/counted/core/tests/exit_fixture.o $(HOSTED_COUNTED_LIBRARY)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HOSTED_SANITIZE) $(HOSTED_EXTRA_CFLAGS) -o $@ $^ -lcmocka

$(BUILD)/tests/probes_%: $(HOSTED)/plain/probes/tests/test_%.o $(HOSTED_LIBRARY)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HOSTED_SANITIZE) $(HOSTED_EXTRA_CFLAGS) -o $@ $^ -lcmocka

# The exit path's own macro closes its records.
$(BUILD)/tests/probes_ring_commit: $(HOSTED)/plain/probes/tests/commit.S.o

$(HOSTED)/plain/%.S.o: %.S $(IMAGE_OFFSETS)
	@mkdir -p $(@D)
	$(Q)$(CC) -I$(BUILD)/image -MMD -MP -c -o $@ $<

$(BUILD)/tests/guests_%: $(HOSTED)/plain/guests/tests/unit_%.o $(HOSTED_LIBRARY)
	@mkdir -p $(@D)
	$(Q)$(CC) $(HOSTED_SANITIZE) $(HOSTED_EXTRA_CFLAGS) -o $@ $^ -lcmocka

# core/tests/fuzz/fuzz_NAME.c becomes $(BUILD)/fuzz/NAME, by clang, whose libFuzzer it is.
FUZZ_CFLAGS = $(filter-out $(HOSTED_SANITIZE),$(HOSTED_CFLAGS)) -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=all
FUZZ_OBJECTS = $(patsubst %.c,$(BUILD)/fuzz/objects/%.o,$(CORE_SOURCES) probes/ring.c $(HOSTED_SUPPORT) \
	core/tests/exit_fixture.c)
FUZZ_CORE = $(patsubst core/tests/fuzz/fuzz_%.c,$(BUILD)/fuzz/%,$(wildcard core/tests/fuzz/fuzz_*.c))

$(BUILD)/fuzz/objects/%.o: %.c
	@mkdir -p $(@D)
	$(Q)clang $(FUZZ_CFLAGS) -MMD -MP -c -o $@ $<

$(FUZZ_CORE): $(BUILD)/fuzz/%: $(BUILD)/fuzz/objects/core/tests/fuzz/fuzz_%.o $(FUZZ_OBJECTS)
	$(Q)clang -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o $@ $^ -lcmocka

-include $(FUZZ_OBJECTS:.o=.d)

# What the binaries leave behind for the next build.
HOSTED_TEST_OBJECTS = $(patsubst %.c,$(HOSTED)/plain/%.o,core/tests/exit_fixture.c \
	$(wildcard core/tests/test_*.c probes/tests/test_*.c guests/tests/unit_*.c)) \
	$(patsubst %.c,$(HOSTED)/counted/%.o,core/tests/exit_fixture.c $(CORE_EXIT_TESTS))
.SECONDARY: $(HOSTED_TEST_OBJECTS)

-include $(HOSTED_OBJECTS:.o=.d) $(HOSTED_COUNTED_OBJECTS:.o=.d) \
	$(HOSTED_TEST_OBJECTS:.o=.d) $(HOSTED)/plain/probes/tests/commit.S.d
