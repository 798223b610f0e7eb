# SPDX-License-Identifier: MIT
# Fuzzers of analysis: one program, which takes what it fuzzes from the name that it is called by
# (analysis/tests/fuzz_targets.py).
FUZZ_ANALYSIS = $(addprefix $(BUILD)/fuzz/,run_json trace baseline)

$(FUZZ_ANALYSIS): analysis/tests/fuzz/fuzz_python.c
	@mkdir -p $(@D)
	$(Q)clang $(HOST_CFLAGS) $(shell $(PYTHON)-config --includes) -DFUZZ_PYTHON='"$(PYTHON)"' -DFUZZ_HOME='"$(CURDIR)"' \
		-fsanitize=fuzzer -o $@ $< $(shell $(PYTHON)-config --embed --ldflags)
