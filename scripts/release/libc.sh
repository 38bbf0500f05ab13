#!/bin/bash
# libc.sh MACHINE: prints the folder where Debian bookworm's libc6 for MACHINE (amd64, arm64) is unpacked: what an executable of Bun loads. It is fetched
# once into the cache; nothing is installed.
set -euo pipefail
. "$(dirname "$0")/../debian.sh"
[ $# = 1 ] || { sed -n '2,3s/^# //p' "$0"; exit 64; }
case $1 in amd64) from bookworm ;; *) from bookworm "$1" ;; esac
AT=$CACHE/libc6-$SUITE-$1
lock "libc6-$1"
unpack "$AT" "libc6:$1"
exec 9>&-
echo "$AT"
