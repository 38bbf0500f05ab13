#!/bin/bash
# qemu.sh: prints the folder of Debian bookworm's user-mode emulators (qemu-aarch64-static …), for tests of other machines. They are fetched once
# into the cache; nothing is installed.
set -euo pipefail
. "$(dirname "$0")/../debian.sh"
from bookworm
AT=$CACHE/qemu-user-$SUITE
lock qemu-user
unpack "$AT" qemu-user-static
exec 9>&-
echo "$AT/usr/bin"
