#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs the Debian packages that `make bench` or `make test` lacks here, and says so; does nothing,
# quickly, when none is missing.   usage: ci/setup.sh bench|test
set -eu

case "${1:-}" in
bench) groups='bench' ;;
test) groups='bench|test' ;;
*)
    echo "usage: ci/setup.sh bench|test" >&2
    exit 2
    ;;
esac

list=$(dirname "$0")/packages
wanted=$(sed -nE "s/^($groups) +([^ ]+).*/\\2/p" "$list")
missing=
for package in $wanted; do
    # shellcheck disable=SC2016 # dpkg-query expands this itself
    status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
    [ "$status" = "install ok installed" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "ci/setup.sh: installing:$missing" >&2
as_root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
        echo "ci/setup.sh: not root and no sudo; install these yourself:$missing" >&2
        exit 3
    }
    as_root=sudo
fi
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086 # a list of words
if ! { $as_root apt-get -q update && $as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -q install -y --no-install-recommends $missing; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "ci/setup.sh: apt-get failed; wanted:$missing" >&2
    exit 3
fi
