# SPDX-License-Identifier: MIT
# The guest blob: a flat binary of every microbenchmark (guests/blob.h).

BLOB_CFLAGS = -std=gnu11 -O2 -g -Wall -Wextra -Werror -DEXITMETER_GUEST -ffreestanding \
	-fno-stack-protector -fno-pic -fno-pie -mno-red-zone -mgeneral-regs-only \
	-fcf-protection=none -fno-asynchronous-unwind-tables

# In the order in which the benchmarks are listed.
CORPUS_SOURCES = cpuid.c hypercall.c msr.c io.c apic.c exception.c ept.c check.c check_events.c check_apic.c check_exception.c \
	check_control.c check_instruction.c check_descriptor.c check_string_io.c check_start.c check_resident.c check_ept.c \
	check_mmio.c calibrate.c
# What every blob begins with.
BLOB_OBJECTS = $(addprefix $(BUILD)/blob/,start.S.o modes.S.o modes_real.S.o modes_protected.S.o main.o \
	capture.o)
CORPUS_OBJECTS = $(BLOB_OBJECTS) $(CORPUS_SOURCES:%.c=$(BUILD)/blob/%.o)
GUESTS_BIN = $(BUILD)/guests.bin

$(GUESTS_BIN): $(CORPUS_OBJECTS) guests/blob/blob.lds
	$(Q)$(LD) -m elf_x86_64 -n -T guests/blob/blob.lds -z noexecstack --no-warn-rwx-segments \
		-o $(BUILD)/guests.elf $(CORPUS_OBJECTS)
	$(Q)objcopy -O binary $(BUILD)/guests.elf $@

$(BUILD)/blob/%.o: guests/blob/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(BLOB_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/blob/%.S.o: guests/blob/%.S
	@mkdir -p $(@D)
	$(Q)$(CC) -MMD -MP -c -o $@ $<

-include $(CORPUS_OBJECTS:.o=.d)

# Guests of the tests, each in a blob of its own: guests/tests/NAME.c becomes $(BUILD)/tests/NAME.bin.
# Those named unit_NAME.c are no guests.
TEST_BLOBS = hostile bitmaps events apic hidden answers
TEST_BINS = $(TEST_BLOBS:%=$(BUILD)/tests/%.bin)
TEST_BLOB_OBJECTS = $(TEST_BLOBS:%=$(BUILD)/blob/tests/%.o)

$(TEST_BINS): $(BUILD)/tests/%.bin: $(BLOB_OBJECTS) $(BUILD)/blob/tests/%.o \
		guests/blob/blob.lds
	@mkdir -p $(@D)
	$(Q)$(LD) -m elf_x86_64 -n -T guests/blob/blob.lds -z noexecstack --no-warn-rwx-segments \
		-o $(@:.bin=.elf) $(filter %.o,$^)
	$(Q)objcopy -O binary $(@:.bin=.elf) $@

$(BUILD)/blob/tests/%.o: guests/tests/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(BLOB_CFLAGS) -MMD -MP -c -o $@ $<

.SECONDARY: $(TEST_BLOB_OBJECTS)

-include $(TEST_BLOB_OBJECTS:.o=.d)
