#!/bin/sh
# SPDX-License-Identifier: MIT
# Measures the same build again and again and holds each run against the baseline: not one may alarm.
# usage: ci/gate_soak.sh BUILD RUNS [PATTERN]...   benchmarks; all without one
set -eu

build=$1
runs=$2
shift 2
guests=
for pattern; do
    guests="$guests --guest $pattern"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
alarms=0
number=0
set -f # patterns are exitmeter's to match
while [ "$number" -lt "$runs" ]; do
    number=$((number + 1))
    # shellcheck disable=SC2086 # a list of words
    "$build/exitmeter" run $guests -o "$work/run" >/dev/null 2>"$work/log" || {
        cat "$work/log" >&2
        exit 1
    }
    # shellcheck disable=SC2086
    "$build/exitmeter" gate "$work/run" --baseline ci/baselines/bochs.json $guests >"$work/verdict" || {
        alarms=$((alarms + 1))
        cat "$work/verdict" >&2
    }
    rm -rf "$work/run"
done
echo "gate: $alarms false alarms in $runs runs of the same build"
[ "$alarms" -eq 0 ]
