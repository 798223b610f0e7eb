# SPDX-License-Identifier: MIT
# `make help` lists the targets. The rooms bring their own rules: core/core.mk, guests/guests.mk, ...

BUILD ?= build
CC = gcc
CXX = g++
HOST_CFLAGS = -std=c11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Werror
HOST_CXXFLAGS = -std=c++17 -O2 -g -Wall -Wextra -Werror
PYTHON = /usr/bin/python3

.DEFAULT_GOAL = all

GRUB_IMAGE = $(BUILD)/grub-eltorito.img

include core/core.mk
include guests/guests.mk
include bench/bench.mk

.PHONY: all
all: $(BUILD)/exitmeter $(CORE_ELF) $(GUESTS_BIN) $(GRUB_IMAGE)

$(GRUB_IMAGE): guests/grub.cfg
	@mkdir -p $(@D)
	grub-mkimage -O i386-pc-eltorito -p / -c $< -o $@ biosdisk iso9660 multiboot2
