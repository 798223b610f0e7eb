# SPDX-License-Identifier: MIT
# The self-test image: core, probes and boot with core/tests/target in place of guests/image. Included
# by the top Makefile behind core/core.mk; ci/tests/test_target.py boots it.

TARGET_TESTS_OBJECTS = $(patsubst %.c,$(BUILD)/image/%.o,$(wildcard core/tests/target/*.c)) \
	$(patsubst %.S,$(BUILD)/image/%.S.o,$(wildcard core/tests/target/*.S))
TARGET_OBJECTS = $(filter-out $(BUILD)/image/guests/%,$(IMAGE_OBJECTS)) $(TARGET_TESTS_OBJECTS)
TARGET_SETS = $(BUILD)/image/counting.o $(BUILD)/image/totalling.o
TARGET_ELF = $(BUILD)/tests/target.elf

$(TARGET_ELF): $(TARGET_OBJECTS) $(TARGET_SETS) core/boot/image.lds
	@mkdir -p $(@D)
	$(Q)$(LD) -m elf_x86_64 -n --build-id --gc-sections --orphan-handling=place -z noexecstack \
		--no-warn-rwx-segments -T core/boot/image.lds \
		-o $(@:.elf=.debug.elf) $(TARGET_OBJECTS) $(TARGET_SETS)
	$(Q)objcopy --strip-all $(@:.elf=.debug.elf) $@
	$(Q)grub-file --is-x86-multiboot2 $@

-include $(TARGET_TESTS_OBJECTS:.o=.d)

# The torture image likewise, of random guests; ci/torture.py boots it.
TORTURE_OBJECTS = $(patsubst %.c,$(BUILD)/image/%.o,$(wildcard core/tests/torture/*.c))
TORTURE_ELF = $(BUILD)/tests/torture.elf

$(TORTURE_ELF): $(filter-out $(BUILD)/image/guests/%,$(IMAGE_OBJECTS)) $(TORTURE_OBJECTS) $(TARGET_SETS) core/boot/image.lds
	@mkdir -p $(@D)
	$(Q)$(LD) -m elf_x86_64 -n --build-id --gc-sections --orphan-handling=place -z noexecstack \
		--no-warn-rwx-segments -T core/boot/image.lds -o $(@:.elf=.debug.elf) $(filter %.o,$^)
	$(Q)objcopy --strip-all $(@:.elf=.debug.elf) $@
	$(Q)grub-file --is-x86-multiboot2 $@

-include $(TORTURE_OBJECTS:.o=.d)
