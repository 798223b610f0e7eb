#!/bin/bash
# SPDX-License-Identifier: MIT
# Feeds each fuzzer what libFuzzer invents, from the corpus in ci/corpus and what earlier runs have
# found; two at a time.   usage: ci/fuzz.sh BUILD SECONDS [NAME]...
set -u
build=$1
seconds=$2
shift 2
[ $# -gt 0 ] || set -- "$build"/fuzz/*
failed=0

# Bytes of the longest input.
longest() {
    case $1 in
    loader) echo 40000 ;;
    serial) echo 3000 ;;
    results) echo 512 ;;
    run_json | trace) echo 20000 ;;
    *) echo 4096 ;;
    esac
}

# In its own directory: what makes it crash is left there.
fuzz() {
    local name=$1 work=$build/fuzz/work/$1 seeds=ci/corpus/$1
    # What is left in TMPDIR by one that was killed is gone with the next.
    rm -rf "$work/tmp"
    mkdir -p "$work/corpus" "$work/tmp"
    [ -d "$seeds" ] && cp -n "$seeds"/* "$work/corpus/"
    (cd "$work" && TMPDIR=$PWD/tmp exec "$OLDPWD/$build/fuzz/$name" -max_total_time="$seconds" -timeout=60 \
        -max_len="$(longest "$name")" -rss_limit_mb=2048 -malloc_limit_mb=8192 -print_final_stats=1 corpus) \
        >"$work/log" 2>&1
}

pids=() names=()
settle() {
    if wait "${pids[0]}"; then
        echo "fuzz: ${names[0]}: $(sed -n 's/^stat::number_of_executed_units: *//p' \
            "$build/fuzz/work/${names[0]}/log") inputs, clean"
    else
        tail -n 30 "$build/fuzz/work/${names[0]}/log" >&2
        echo "fuzz: ${names[0]}: failed; the input is in $build/fuzz/work/${names[0]}" >&2
        failed=1
    fi
    pids=("${pids[@]:1}") names=("${names[@]:1}")
}

for fuzzer; do
    name=${fuzzer##*/}
    if [ ! -f "$build/fuzz/$name" ] || [ ! -x "$build/fuzz/$name" ]; then continue; fi
    [ ${#pids[@]} -lt 2 ] || settle
    fuzz "$name" &
    pids+=($!) names+=("$name")
done
while [ ${#pids[@]} -gt 0 ]; do settle; done
exit $failed
