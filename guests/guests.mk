# SPDX-License-Identifier: MIT
# The guest blob: a flat binary of every microbenchmark (guests/blob.h).

BLOB_CFLAGS = -std=gnu11 -O2 -g -Wall -Wextra -Werror -DEXITMETER_GUEST -ffreestanding \
	-fno-stack-protector -fno-pic -fno-pie -mno-red-zone -mgeneral-regs-only \
	-fcf-protection=none -fno-asynchronous-unwind-tables

# In the order in which the benchmarks are listed.
CORPUS_SOURCES = cpuid.c hypercall.c msr.c msr_peer.c io.c io_string.c pci_memory.c control_register.c debug_register.c \
	descriptor_table.c time.c random.c wait.c cache.c xsetbv.c apic.c xapic.c self_ipi.c interrupt_wait.c request.c \
	pause_loop.c ipi.c exception.c inject.c ept.c \
	delivery.c check.c check_events.c check_inject.c check_apic.c check_exception.c \
	check_control.c check_instruction.c check_descriptor.c check_string_io.c check_start.c check_resident.c check_ept.c \
	check_mmio.c root.c calibrate.c
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
TEST_BLOBS = hostile beside bitmaps events apic hidden answers stuck
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

# The loaders once more, for the harness, with the image's own string_format().
LOADER_LIBRARY = $(BUILD)/loader.a
LOADER_OBJECTS = $(patsubst %.c,$(BUILD)/hosted/%.o,$(wildcard guests/loader/*.c) core/boot/string.c)

$(LOADER_LIBRARY): $(LOADER_OBJECTS)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/hosted/core/boot/string.o: HOST_CFLAGS += $(HOSTED_RENAMES)

$(BUILD)/hosted/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(HOST_CFLAGS) -MMD -MP -c -o $@ $<

-include $(LOADER_OBJECTS:.o=.d)

# What the harness shares with the image, to run the corpus without it: target kvm.
CORPUS_LIBRARY = $(BUILD)/corpus.a
CORPUS_LIBRARY_OBJECTS = $(addprefix $(BUILD)/hosted/guests/image/,guest_memory.o fold.o plan_check.o validity.o) \
	$(BUILD)/hosted/core/vmx/disturbance_judge.o

$(CORPUS_LIBRARY): $(CORPUS_LIBRARY_OBJECTS)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

-include $(CORPUS_LIBRARY_OBJECTS:.o=.d)

# The tests' guest that has the machine, multiboot 1: where it wants to be, and over the core.
MACHINE_GUESTS = $(BUILD)/tests/machine.elf $(BUILD)/tests/machine_over_core.elf
MACHINE_OBJECTS = $(BUILD)/machine/start.S.o $(BUILD)/machine/guest.o
MACHINE_CFLAGS = -std=gnu11 -O2 -m32 -march=i686 -Wall -Wextra -Werror -ffreestanding -fno-stack-protector \
	-fno-pic -fno-pie -mgeneral-regs-only -fcf-protection=none -fno-asynchronous-unwind-tables

$(BUILD)/tests/machine.elf: MACHINE_AT = 0x100000
$(BUILD)/tests/machine_over_core.elf: MACHINE_AT = 0x7f00000
$(MACHINE_GUESTS): $(MACHINE_OBJECTS)
	@mkdir -p $(@D)
	$(Q)$(LD) -m elf_i386 -n -z noexecstack -z noseparate-code --no-warn-rwx-segments -e start \
		-Ttext $(MACHINE_AT) -o $@ $(MACHINE_OBJECTS)

$(BUILD)/machine/%.o: guests/tests/machine/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(MACHINE_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/machine/%.S.o: guests/tests/machine/%.S
	@mkdir -p $(@D)
	$(Q)$(CC) -m32 -MMD -MP -c -o $@ $<

-include $(MACHINE_OBJECTS:.o=.d)

# One binary of the loaders alone, by clang, whose libFuzzer it is.
FUZZ_LOADER = $(BUILD)/fuzz/loader
FUZZ_LOADER_SOURCES = guests/tests/fuzz_loader.c $(wildcard guests/loader/*.c)

$(BUILD)/fuzz/string.o: core/boot/string.c
	@mkdir -p $(@D)
	$(Q)clang $(HOST_CFLAGS) $(HOSTED_RENAMES) -c -o $@ $<

$(FUZZ_LOADER): $(FUZZ_LOADER_SOURCES) $(BUILD)/fuzz/string.o $(wildcard guests/loader/*.h)
	@mkdir -p $(@D)
	$(Q)clang $(HOST_CFLAGS) -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o $@ \
		$(filter %.c %.o,$^)

# And who puts captures of a serial line together.
FUZZ_SERIAL = $(BUILD)/fuzz/serial
FUZZ_SERIAL_SOURCES = guests/tests/fuzz_serial.c guests/image/serial_send.c bench/serial_scan.c \
	bench/serial_assemble.c bench/text.c

$(FUZZ_SERIAL): $(FUZZ_SERIAL_SOURCES) guests/serial_frame.h guests/serial_pack.h
	@mkdir -p $(@D)
	$(Q)clang $(HOST_CFLAGS) -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o $@ \
		$(filter %.c,$^)

# The guest-only image: boot and guests/direct, and of guests/image what needs no core.
DIRECT_SHARED = plan_check guest_memory say validity fold machine pm_timer \
	region deliver serial_send show show_row
DIRECT_ASSEMBLY = $(BUILD)/image/guests/direct/enter.S.o
DIRECT_SOURCES = $(wildcard guests/direct/*.c) $(DIRECT_SHARED:%=guests/image/%.c)
DIRECT_OWN = $(patsubst %.c,$(BUILD)/image/%.o,$(wildcard guests/direct/*.c)) $(DIRECT_ASSEMBLY)
DIRECT_OBJECTS = $(filter-out $(BUILD)/image/guests/%,$(IMAGE_OBJECTS)) $(DIRECT_ASSEMBLY) \
	$(DIRECT_SOURCES:%.c=$(BUILD)/image/%.o)
DIRECT_ELF = $(BUILD)/exitmeter-guest.elf

$(DIRECT_ELF): $(DIRECT_OBJECTS) $(BUILD)/image/counting.o $(BUILD)/image/totalling.o core/boot/image.lds
	$(Q)$(LD) -m elf_x86_64 -n --build-id --gc-sections --orphan-handling=place -z noexecstack \
		--no-warn-rwx-segments -T core/boot/image.lds -o $(@:.elf=.debug.elf) $(filter %.o,$^)
	$(Q)objcopy --strip-all $(@:.elf=.debug.elf) $@
	$(Q)grub-file --is-x86-multiboot2 $@

$(BUILD)/image/guests/direct/main.o: IMAGE_CFLAGS += -DCOMPILER='"$(IMAGE_COMPILER)"'

-include $(DIRECT_OWN:.o=.d)
