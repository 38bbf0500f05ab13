#!/bin/sh
# Gives the demo a network, mounts and processes of its own. When its first process ends, however it ends, the kernel takes all of them away.
set -eu
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "demo: network namespaces need root; run: sudo make demo" >&2; exit 1; }
[ -x dist/bin/macvlan-wrapper ] || { echo "demo: there is no dist/bin/macvlan-wrapper; run: make build" >&2; exit 1; }
# Ctrl-C is for the demo itself, which says so and ends; this shell and unshare only wait for it.
trap '' INT
export PATH="$PATH:/usr/sbin:/sbin"
exec setpriv --pdeathsig KILL unshare --net --mount --pid --fork --kill-child=KILL --mount-proc \
  node --import tsx "${1:-demo/main.ts}"
