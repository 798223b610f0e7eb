#!/bin/sh
# SPDX-License-Identifier: MIT
# Writes the gate's baseline, and README's table, from a fresh run, for a person to review and commit.
# usage: ci/baseline.sh BUILD
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$1/exitmeter" run -o "$work/run" >/dev/null
"$1/exitmeter" gate "$work/run" --baseline ci/baselines/bochs.json --update
/usr/bin/python3 ci/readme_figures.py "$1/exitmeter" "$work/run"
