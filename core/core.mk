# SPDX-License-Identifier: MIT
# The bootable image: core, probes, boot and the driver of guests/image, linked into one ELF file.

IMAGE_WARNINGS = -Wall -Wextra -Werror
IMAGE_CFLAGS = -std=gnu11 -O2 -g $(IMAGE_WARNINGS) -ffreestanding -fno-builtin-strlen -fno-stack-protector -fno-pic \
	-fno-pie -mno-red-zone -mgeneral-regs-only -fcf-protection=none \
	-fno-asynchronous-unwind-tables -fno-strict-aliasing -ffunction-sections $(CORE_EXTRA_CFLAGS)
# What the results and the gate's fingerprint call the build.
IMAGE_COMPILER := $(shell $(CC) --version 2>/dev/null | head -n 1) -O2

CORE_SOURCES = $(wildcard core/vmx/*.c) $(wildcard core/exits/*.c)
CORE_SOURCES := $(filter-out core/vmx/offsets.c,$(CORE_SOURCES))
# The guest's local APIC: it accesses neither VMCS nor MSRs.
APIC_SOURCES = core/exits/local_apic.c $(filter-out core/exits/apic_virtual.c,$(wildcard core/exits/apic_*.c))
# Everything that runs between exit and entry is compiled three times (probes/count.h).
COUNTED_SOURCES = core/vmx/dispatch.c core/vmx/event.c core/vmx/event_exception.c core/vmx/registers.c \
	core/vmx/walk.c core/vmx/walk_copy.c \
	$(filter-out $(APIC_SOURCES),$(wildcard core/exits/*.c))
IMAGE_SOURCES = $(CORE_SOURCES) probes/ring.c $(wildcard core/boot/*.c) $(wildcard guests/image/*.c) \
	$(wildcard guests/loader/*.c)
IMAGE_ASSEMBLY = core/vmx/entry.S core/boot/start.S core/boot/exception.S core/boot/catch.S \
	core/boot/trampoline.S core/boot/font.S

IMAGE_OBJECTS = $(IMAGE_SOURCES:%.c=$(BUILD)/image/%.o) $(IMAGE_ASSEMBLY:%.S=$(BUILD)/image/%.S.o)
COUNTING_OBJECTS = $(COUNTED_SOURCES:%.c=$(BUILD)/image/counting/%.o)
TOTALLING_OBJECTS = $(COUNTED_SOURCES:%.c=$(BUILD)/image/totalling/%.o)
IMAGE_OFFSETS = $(BUILD)/image/offsets.h

CORE_ELF = $(BUILD)/exitmeter-core.elf
CORE_DEBUG_ELF = $(BUILD)/exitmeter-core.debug.elf

# Symbols stay out of what is booted: GRUB would load them too.
$(CORE_ELF): $(CORE_DEBUG_ELF)
	$(Q)objcopy --strip-all $< $@
	$(Q)grub-file --is-x86-multiboot2 $@

$(CORE_DEBUG_ELF): $(IMAGE_OBJECTS) $(BUILD)/image/counting.o $(BUILD)/image/totalling.o \
		core/boot/image.lds
	$(Q)$(LD) -m elf_x86_64 -n --build-id --gc-sections --orphan-handling=place -z noexecstack \
		--no-warn-rwx-segments -T core/boot/image.lds \
		-o $@ $(IMAGE_OBJECTS) $(BUILD)/image/counting.o $(BUILD)/image/totalling.o

# Only what entry.S calls is visible of such a set; its handlers keep their names to themselves.
$(BUILD)/image/counting.o: $(COUNTING_OBJECTS)
$(BUILD)/image/totalling.o: $(TOTALLING_OBJECTS)
$(BUILD)/image/counting.o $(BUILD)/image/totalling.o:
	$(Q)$(LD) -m elf_x86_64 -r -o $@ $^
	$(Q)objcopy $(foreach symbol,exit_handlers event_prepare,--redefine-sym $(symbol)=$(symbol)_$(basename $(@F)) \
		--keep-global-symbol=$(symbol)_$(basename $(@F))) $@

$(BUILD)/image/counting/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(IMAGE_CFLAGS) -DPROBE_COUNTING -MMD -MP -c -o $@ $<

$(BUILD)/image/totalling/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(IMAGE_CFLAGS) -DPROBE_TOTALLING -MMD -MP -c -o $@ $<

$(BUILD)/image/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(IMAGE_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/image/%.S.o: %.S $(IMAGE_OFFSETS)
	@mkdir -p $(@D)
	$(Q)$(CC) -I$(BUILD)/image -MMD -MP -c -o $@ $<

$(BUILD)/image/guests/image/driver.o: IMAGE_CFLAGS += -DCOMPILER='"$(IMAGE_COMPILER)"'

# The strings "->NAME VALUE" of the compiled offsets.c become the constants of the assembly.
$(IMAGE_OFFSETS): core/vmx/offsets.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(IMAGE_CFLAGS) -MMD -MP -MF $(BUILD)/image/offsets.d -MT $@ -S -o $(BUILD)/image/offsets.s $<
	sed -n 's/^[[:space:]]*\.ascii[[:space:]]*"->\([A-Z0-9_]*\) \(.*\)"$$/#define \1 \2/p' $(BUILD)/image/offsets.s >$@.new
	mv $@.new $@

# The characters of the screen: ASCII is where a console font begins, behind a head of four bytes.
FONT_FILE = /usr/share/consolefonts/Unifont-APL8x16.psf.gz
IMAGE_FONT = $(BUILD)/image/font.bin

$(IMAGE_FONT): $(FONT_FILE)
	@mkdir -p $(@D)
	$(Q)zcat $< >$@.psf && printf '\066\004\003\020' | cmp -n 4 - $@.psf && tail -c +5 $@.psf | head -c 2048 >$@
	@rm -f $@.psf

$(BUILD)/image/core/boot/font.S.o: core/boot/font.S $(IMAGE_FONT) $(IMAGE_OFFSETS)
	@mkdir -p $(@D)
	$(Q)$(CC) -DFONT='"$(IMAGE_FONT)"' -MMD -MP -c -o $@ $<

-include $(IMAGE_OBJECTS:.o=.d) $(COUNTING_OBJECTS:.o=.d) $(TOTALLING_OBJECTS:.o=.d) $(BUILD)/image/offsets.d
