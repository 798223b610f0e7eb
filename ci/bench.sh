#!/bin/sh
# SPDX-License-Identifier: MIT
# One run of the whole corpus under both policies, its table, and its report.  usage: ci/bench.sh BUILD
set -eu

exitmeter=$1/exitmeter
run=runs/$(date -u +%Y%m%dT%H%M%SZ)
mkdir -p runs
"$exitmeter" run -o "$run" >/dev/null
"$exitmeter" compare "$run"
echo
echo "report: $("$exitmeter" report "$run")"
