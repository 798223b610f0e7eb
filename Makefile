# SPDX-License-Identifier: MIT
# `make help` lists the targets. The rooms bring their own rules: core/core.mk, guests/guests.mk, ...

BUILD ?= build
CC = gcc
CXX = g++
HOST_CFLAGS = -std=c11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Werror
HOST_CXXFLAGS = -std=c++17 -O2 -g -Wall -Wextra -Werror
PYTHON = /usr/bin/python3
PYTEST = $(PYTHON) -m pytest -q -p no:cacheprovider
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

include core/core.mk
include core/target.mk
include core/tests.mk
include guests/guests.mk
include bench/bench.mk

UNIT_TESTS = $(CORE_UNIT_TESTS) $(BENCH_UNIT_TESTS)
FUZZERS = $(FUZZ_LOADER) $(FUZZ_CORE) $(FUZZ_BENCH)
FUZZ_SECONDS = 60

.PHONY: help all bench test unit python-tests e2e e2e-linux fuzz torture lint baseline clean

help: ## list the targets
	@sed -nE 's/^([a-z0-9-]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 20

all: $(BUILD)/exitmeter $(CORE_ELF) $(GUESTS_BIN) $(GRUB_IMAGE) $(GRUB_GUEST_IMAGE) ## build the harness, the image and the guests

bench: ## measure: install what is missing, build, run, print the table, write the report
	@ci/setup.sh bench
	@$(MAKE) all
	@ci/bench.sh $(BUILD)

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

python-tests: all ## tests of analysis, and of the harness without Bochs
	$(PYTEST) analysis/tests bench/tests

e2e: all $(TEST_BINS) $(TARGET_ELF) $(TORTURE_ELF) $(MACHINE_GUESTS) ## everything that needs VT-x, on Bochs
	$(PYTEST) ci/tests

e2e-linux: all ## Debian's cloud kernel as a guest that has the machine, on Bochs, under both policies
	@ci/linux/build.sh $(BUILD)
	$(PYTEST) ci/linux

fuzz: $(FUZZERS) ## feed loaders, policies, exit handlers and the like what libFuzzer invents, for FUZZ_SECONDS=60 each
	@ci/fuzz.sh $(BUILD) $(FUZZ_SECONDS)

torture: all $(TORTURE_ELF) ## GUESTS=1000000 random guests on the core, on Bochs, from SEED=1
	$(PYTHON) -m ci.torture --guests $(GUESTS) --seed $(SEED)

lint: ## both compilers, header check, clang-format, shellcheck, pyflakes, SPDX lines
	@ci/lint.sh $(BUILD)

baseline: all ## measure and write ci/baselines/bochs.json anew; review the diff
	@ci/baseline.sh $(BUILD)

clean: ## remove what was built; runs stay
	rm -rf $(BUILD)

$(GRUB_IMAGE): guests/grub.cfg
$(GRUB_GUEST_IMAGE): guests/grub_guest.cfg
$(GRUB_IMAGE) $(GRUB_GUEST_IMAGE):
	@mkdir -p $(@D)
	$(Q)grub-mkimage -O i386-pc-eltorito -p / -c $< -o $@ biosdisk iso9660 multiboot2
