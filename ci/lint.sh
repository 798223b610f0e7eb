#!/bin/bash
# SPDX-License-Identifier: MIT
# Everything that can be said of the code without running it. Prints what is wrong; fails if anything
# is.   usage: ci/lint.sh BUILD
set -u
build=$1
failed=0

complain() {
    echo "lint: $1" >&2
    failed=1
}

# Files of these kinds that are here: tracked or new, and not ignored.
sources() {
    git ls-files -co --exclude-standard -- "$@" | while read -r file; do
        [ ! -e "$file" ] || echo "$file"
    done
}

# clang accepts all of it too, and links an image of its own.
MAKEFLAGS='' make -s -j"$(nproc)" BUILD="$build/clang" CC=clang CXX=clang++ all "$build/clang/bench-harness" >"$build/lint-clang.log" 2>&1 || {
    tail -n 30 "$build/lint-clang.log" >&2
    complain "clang does not build it"
}

# Every header stands alone. The *_list.h and *_fields.h are lists, meant to be included by one.
for header in $(sources '*.h' | grep -Ev '_(list|fields)\.h$'); do
    case $header in
    guests/blob/*) flags='-std=gnu11 -DEXITMETER_GUEST -ffreestanding' ;;
    core/tests/* | guests/tests/*) flags='-std=gnu11 -D_GNU_SOURCE -DEXITMETER_SIMULATED' ;;
    *) flags='-std=gnu11 -D_GNU_SOURCE' ;;
    esac
    # shellcheck disable=SC2086 # a list of words
    gcc $flags -Wall -Wextra -Werror -fsyntax-only -x c "$header" ||
        complain "$header does not compile alone"
done

# shellcheck disable=SC2046 # file names here have no blanks
clang-format --dry-run -Werror $(sources '*.c' '*.h' '*.cc') 2>"$build/lint-format.log" || {
    head -n 20 "$build/lint-format.log" >&2
    complain "clang-format -i would change files"
}

# The analyzer takes minutes: `make analyze` has it. xargs has clang's parsing of tests too.
sources '*.c' | xargs -P "$(nproc)" -n 16 clang-tidy -quiet -p "$build" --checks='-clang-analyzer-*' \
    >"$build/lint-tidy.log" 2>/dev/null || {
    grep -A 4 -E ': (warning|error): ' "$build/lint-tidy.log" | head -n 40
    complain "clang-tidy"
}

cppcheck -q -j "$(nproc)" --enable=warning,portability,performance --max-configs=1 --error-exitcode=1 \
    --suppressions-list=ci/cppcheck.txt --library=ci/cppcheck.cfg -i core/tests \
    -i probes/tests -i guests/tests -i bench/tests -i analysis/tests -i ci --project="$build/compile_commands.json" ||
    complain "cppcheck"

for file in $(sources '*.c' '*.h' '*.cc' '*.S' '*.inc' '*.lds' '*.py' '*.sh' '*.bash' '*.mk' Makefile .ci/run); do
    head -n 2 "$file" | grep -q 'SPDX-License-Identifier: MIT' || complain "$file: no SPDX line"
done

# shellcheck disable=SC2046
shellcheck $(sources '*.sh' '*.bash') .ci/run || complain "shellcheck"
# shellcheck disable=SC2046
/usr/bin/python3 -m pyflakes $(sources '*.py') || complain "pyflakes"

[ $failed -eq 0 ] && echo "lint: clean"
exit $failed
