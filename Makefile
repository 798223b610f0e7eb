# SPDX-License-Identifier: MIT
# `make help` lists the targets. The rooms bring their own rules: core/core.mk, guests/guests.mk, ...

BUILD ?= build
CC = gcc
CXX = g++
HOST_CFLAGS = -std=c11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Werror
HOST_CXXFLAGS = -std=c++17 -O2 -g -Wall -Wextra -Werror
PYTHON = /usr/bin/python3
# A file of tests stays on one CPU: its fixtures are dear.
PYTEST = $(PYTHON) -m pytest -q -p no:cacheprovider -n $(shell nproc) --dist loadfile
GUESTS ?= 1000000
SEED ?= 1
Q = $(if $(V),,@)
MAKEFLAGS += --no-print-directory
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif

.DEFAULT_GOAL = help

GRUB_IMAGE = $(BUILD)/grub-eltorito.img
GRUB_GUEST_IMAGE = $(BUILD)/grub-guest.img
# What an image of `exitmeter iso` boots by: CD and USB by BIOS, either by UEFI, network by both.
GRUB_ISO_IMAGES = $(BUILD)/iso/bios.img $(BUILD)/iso/mbr.img $(BUILD)/iso/efi.img \
	$(BUILD)/iso/bios.0 $(BUILD)/iso/x64.efi

include core/core.mk
include core/target.mk
include core/tests.mk
include guests/guests.mk
include bench/bench.mk
include analysis/fuzz.mk

UNIT_TESTS = $(CORE_UNIT_TESTS) $(BENCH_UNIT_TESTS)
FUZZERS = $(FUZZ_LOADER) $(FUZZ_SERIAL) $(FUZZ_CORE) $(FUZZ_BENCH) $(FUZZ_ANALYSIS)
FUZZ_SECONDS = 60

.PHONY: help all bench bench-report bench-harness test unit coverage python-tests e2e e2e-linux fuzz torture \
	endurance lint analyze baseline \
	gate-soak gate-live repeat install clean

help: ## list the targets
	@sed -nE 's/^([a-z0-9-]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 20

# What exitmeter needs of a build, and `make install` puts beside it.
BUILT = $(BUILD)/exitmeter $(CORE_ELF) $(DIRECT_ELF) $(QEMU_RESET) $(GUESTS_BIN) $(GRUB_IMAGE) \
	$(GRUB_GUEST_IMAGE) $(GRUB_ISO_IMAGES)

all: $(BUILT) ## build the harness, the image and the guests

bench: ## measure: install what is missing, build, run, print the table, write the report
	@ci/setup.sh bench
	@$(MAKE) all
	@ci/bench.sh $(BUILD)

bench-harness: all $(BUILD)/bench-harness ## time the harness's own hot code; fails if the trace's reader is slow
	@$(BUILD)/bench-harness
	@$(BUILD)/bench-harness --layout >$(BUILD)/layout.json
	@$(PYTHON) ci/trace_speed.py $(BUILD)/layout.json --at-least 20

repeat: all ## twenty runs of the whole corpus on Bochs, which must be the same byte for byte
	@$(PYTHON) ci/repeat.py $(BUILD)/exitmeter --times 20 --timeout 600

test: ## prove it: install what is missing, build, lint, unit tests, everything on Bochs
	@ci/setup.sh test
	@$(MAKE) all
	@$(MAKE) lint
	@$(MAKE) unit
	@$(MAKE) fuzz FUZZ_SECONDS=10
	@$(MAKE) python-tests
	@$(MAKE) e2e

unit: $(UNIT_TESTS) ## unit tests in C on a simulated CPU, under ASan and UBSan
	@for test in $(UNIT_TESTS); do $$test || exit 1; done

# In a build of its own, without the sanitizers. Threads would count into the same counters at once:
# their tests stay out. The harness's command line is tested from outside, from a place of its own.
COVERAGE = $(BUILD)/coverage
COVERAGE_BUILD = BUILD=$(COVERAGE) CC='gcc --coverage' CXX='g++ --coverage' HOSTED_EXTRA_CFLAGS=-O0 \
	HOSTED_SANITIZE= BENCH_SANITIZE= THREAD_TESTS=
coverage: ## what the unit tests and the harness's execute, by folder; fails below 90 % of core/exits or core/vmx
	@mkdir -p $(COVERAGE)
	@find $(COVERAGE) -name '*.gcda' -delete
	@$(MAKE) $(COVERAGE_BUILD) unit $(COVERAGE)/exitmeter >$(COVERAGE)/log 2>&1 || { tail -n 30 $(COVERAGE)/log; exit 1; }
	@EXITMETER=$(abspath $(COVERAGE)/exitmeter) $(PYTEST) bench/tests --ignore bench/tests/test_manual.py
	@$(PYTHON) ci/coverage.py $(COVERAGE) --at-least 90 core/exits core/vmx

python-tests: all ## tests of analysis, and of the harness without Bochs
	$(PYTEST) analysis/tests bench/tests

e2e: all $(BUILD)/bench-harness $(TEST_BINS) $(TARGET_ELF) $(TORTURE_ELF) $(MACHINE_GUESTS) ## everything that needs VT-x, on Bochs
	$(PYTEST) ci/tests

e2e-linux: all ## Debian's cloud kernel as a guest that has the machine, on Bochs, under four policies, two of them derived
	@ci/linux/build.sh $(BUILD)
	$(PYTEST) ci/linux

fuzz: $(FUZZERS) ## feed loaders, policies, exit handlers and the like what libFuzzer invents, for FUZZ_SECONDS=60 each
	@ci/fuzz.sh $(BUILD) $(FUZZ_SECONDS)

torture: all $(TORTURE_ELF) ## GUESTS=1000000 random guests on the core, on Bochs, from SEED=1
	$(PYTHON) ci/torture.py --guests $(GUESTS) --seed $(SEED)

EXITS ?= 100000000
endurance: all ## EXITS=100000000 exits in one boot on Bochs, an hour or so: nothing lost, no drift, no leak
	$(PYTHON) ci/endurance.py $(BUILD)/exitmeter --exits $(EXITS)

lint: $(BUILD)/compile_commands.json ## both compilers, clang-tidy, cppcheck, header check, clang-format, shellcheck, pyflakes, SPDX lines
	@ci/lint.sh $(BUILD)

analyze: $(BUILD)/compile_commands.json ## clang's static analyzer over what runs at ring 0, which takes minutes
	@git ls-files 'core/*.c' 'probes/*.c' 'guests/*.c' | grep -v /tests/ | xargs -P $(shell nproc) -n 8 clang-tidy -quiet -p $(BUILD)

# How each file is compiled, for clang's tools and editors.
$(BUILD)/compile_commands.json: always
	@mkdir -p $(@D)
	$(Q)MAKEFLAGS= $(MAKE) -nB V=1 BUILD=$(BUILD) all unit fuzz bench-harness e2e | \
		$(PYTHON) ci/compile_commands.py $$(git ls-files -co --exclude-standard '*.c') >$@

.PHONY: always analyze
always:

bench-report: all ## how long a report over ten million records takes
	$(PYTHON) ci/bench_report.py $(BUILD)/exitmeter

baseline: all ## measure and write ci/baselines/bochs.json anew; review the diff
	@ci/baseline.sh $(BUILD)

# exitmeter finds everything from its own place (bench/places.h), so that keeps the shape it has here.
PREFIX ?= /usr/local
INSTALLED = $(DESTDIR)$(PREFIX)/lib/exitmeter

install: $(BUILT) $(BUILD)/exitmeter.1 ## below PREFIX=/usr/local, with DESTDIR= in front
	install -d $(INSTALLED)/build/iso $(INSTALLED)/bench/policies $(INSTALLED)/analysis/templates \
		$(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions
	install -m 644 $(filter-out %/exitmeter $(GRUB_ISO_IMAGES),$(BUILT)) $(INSTALLED)/build
	install -m 644 $(GRUB_ISO_IMAGES) $(INSTALLED)/build/iso
	install -m 755 $(BUILD)/exitmeter $(INSTALLED)/build
	install -m 644 bench/policies/*.policy $(INSTALLED)/bench/policies
	install -m 644 analysis/*.py $(INSTALLED)/analysis
	install -m 644 analysis/templates/* $(INSTALLED)/analysis/templates
	ln -sfn ../lib/exitmeter/build/exitmeter $(DESTDIR)$(PREFIX)/bin/exitmeter
	install -m 644 $(BUILD)/exitmeter.1 $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 bench/completion.bash \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/exitmeter

$(BUILD)/exitmeter.1: $(BUILD)/exitmeter bench/manual.py analysis/__main__.py
	$(Q)$(PYTHON) bench/manual.py $< >$@.new && mv $@.new $@

# As many runs of a few benchmarks; RUNS=3 BENCHMARKS= for the whole corpus.
RUNS ?= 100
BENCHMARKS ?= cpuid rdmsr wrmsr in out mmio_read
gate-soak: all ## hold RUNS=100 runs of this build against the baseline: none may alarm
	@ci/gate_soak.sh $(BUILD) $(RUNS) $(BENCHMARKS)

gate-live: all ## how often the gate alarms on live KVM samples for nothing, and sees 5 %: LIVE='--runs 15'
	@$(PYTHON) ci/gate_live.py $(BUILD) $(LIVE)

clean: ## remove what was built; runs stay
	rm -rf $(BUILD)

GRUB_ISO_MODULES = multiboot2 iso9660 search_fs_file
$(BUILD)/iso/bios.img: guests/grub_iso.cfg
	@mkdir -p $(@D)
	$(Q)grub-mkimage -O i386-pc-eltorito -p / -c $< -o $@ biosdisk $(GRUB_ISO_MODULES)
$(BUILD)/iso/mbr.img: /usr/lib/grub/i386-pc/boot_hybrid.img
	@mkdir -p $(@D)
	$(Q)cp $< $@
# The file system that UEFI looks for: the same bytes each time.
$(BUILD)/iso/efi.img: guests/grub_iso_efi.cfg
	@mkdir -p $(@D)
	@rm -f $@
	$(Q)grub-mkimage -O x86_64-efi -p / -c $< -o $@.x64 efi_gop efi_uga part_msdos part_gpt $(GRUB_ISO_MODULES)
	$(Q)export SOURCE_DATE_EPOCH=1000000000; touch -d @$$SOURCE_DATE_EPOCH $@.x64; \
		mformat -i $@ -C -f 1440 -N 45584d31 :: && mmd -i $@ ::/EFI ::/EFI/BOOT && \
		mcopy -m -i $@ $@.x64 ::/EFI/BOOT/BOOTX64.EFI
	@rm -f $@.x64
$(BUILD)/iso/bios.0: guests/grub_pxe.cfg
	@mkdir -p $(@D)
	$(Q)grub-mkimage -O i386-pc-pxe -p / -c $< -o $@ pxe tftp multiboot2
$(BUILD)/iso/x64.efi: guests/grub_pxe_efi.cfg
	@mkdir -p $(@D)
	$(Q)grub-mkimage -O x86_64-efi -p / -c $< -o $@ efinet tftp efi_gop efi_uga multiboot2

$(GRUB_IMAGE): guests/grub.cfg
$(GRUB_GUEST_IMAGE): guests/grub_guest.cfg
$(GRUB_IMAGE) $(GRUB_GUEST_IMAGE):
	@mkdir -p $(@D)
	$(Q)grub-mkimage -O i386-pc-eltorito -p / -c $< -o $@ biosdisk iso9660 multiboot2
