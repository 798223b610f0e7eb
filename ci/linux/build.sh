#!/bin/sh
# SPDX-License-Identifier: MIT
# Debian's cloud kernel, as the archive has it today, and a small initial RAM disk with our init, below
# BUILD/linux. A kernel that is there stays.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/linux"
cd "$1/linux"

if [ ! -f vmlinuz ]; then
    package=$(apt-cache depends linux-image-cloud-amd64 |
        sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
    if [ -z "$package" ]; then
        echo "ci/linux/build.sh: apt knows no linux-image-cloud-amd64; apt-get update" >&2
        exit 3
    fi
    rm -rf package ./*.deb
    apt-get -q -q download "$package"
    dpkg-deb -x ./*.deb package
    cp package/boot/vmlinuz-* vmlinuz.new
    rm -rf package ./*.deb
    mv vmlinuz.new vmlinuz
fi

rm -rf root
mkdir root
gcc -std=c11 -O2 -Wall -Wextra -Werror -nostdlib -static -ffreestanding -fno-stack-protector \
    -mgeneral-regs-only -o root/init "$here/init.c"
(cd root && echo init | cpio --quiet --create --format=newc) >initrd.cpio
