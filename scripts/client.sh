#!/bin/bash
# client.sh TARGET SCRIPT OUT: compiles the client of the node agent: SCRIPT as bytecode of QuickJS beside client/client.c, one static executable for TARGET
# (x86_64 or aarch64). Compiler, musl and QuickJS are Debian's; they are fetched once into the cache, and nothing is installed.
set -euo pipefail
. "$(dirname "$0")/debian.sh"
[ $# = 3 ] || { sed -n '2,3s/^# //p' "$0"; exit 64; }
TARGET=$1 SCRIPT=$(realpath "$2") OUT=$(realpath "$3")
SOURCE=$(realpath "$(dirname "$0")/../client")
# In /opt/cni/bin, beside the client.
FULL_IMAGE=.spiderpool-plugins

lock client
from bookworm
CC=$CACHE/cc-x86_64-$SUITE-1
unpack "$CC" cpp-12 binutils-x86-64-linux-gnu libbinutils libctf0 libctf-nobfd0 libjansson4 libisl23 libmpc3 libmpfr6 libgmp10 musl-dev libgcc-12-dev
from trixie
JS=$CACHE/quickjs-x86_64-$SUITE-1
unpack "$JS" libquickjs
if [ "$TARGET" = aarch64 ]; then
  from bookworm
  CROSS=$CACHE/cc-aarch64-$SUITE-1
  unpack "$CROSS" cpp-12-aarch64-linux-gnu binutils-aarch64-linux-gnu libgcc-12-dev-arm64-cross
  from bookworm arm64
  MUSL=$CACHE/musl-aarch64-$SUITE-1
  unpack "$MUSL" musl-dev
  from trixie arm64
  JS_CROSS=$CACHE/quickjs-aarch64-$SUITE-1
  unpack "$JS_CROSS" libquickjs
fi
exec 9>&-

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export LD_LIBRARY_PATH=$CC/usr/lib/x86_64-linux-gnu${CROSS:+:$CROSS/usr/lib/x86_64-linux-gnu}
# linked TARGET OUT ROOTS.. [-D..]: client.c and its objects, without a driver of the compiler, which would look for its parts under /usr.
linked() {
  local machine=$1 out=$2 objects=$3 cc=$CC musl=$CC js=$JS gcc=gcc
  shift 3
  [ "$machine" = x86_64 ] || { cc=$CROSS musl=$MUSL js=$JS_CROSS gcc=gcc-cross; }
  local lib=$musl/usr/lib/$machine-linux-musl tool=$cc/usr/bin/$machine-linux-gnu gccdir=$cc/usr/lib/$gcc/$machine-linux-gnu/12
  "$gccdir/cc1" -quiet -O2 -Wall -Wextra -Wno-unused-parameter -Werror -nostdinc -isystem "$musl/usr/include/$machine-linux-musl" -isystem "$js/usr/include/quickjs" \
    -DFULL_IMAGE="\"$FULL_IMAGE\"" "$@" "$SOURCE/client.c" -o client.s
  "$tool-as" client.s -o client.o
  local libgcc
  libgcc=$(find "$cc/usr/lib" -name libgcc.a)
  "$tool-ld" -static -s --gc-sections --build-id=none -z noexecstack -z relro -o "$out" "$lib/crt1.o" "$lib/crti.o" client.o $objects \
    "$(find "$js/usr/lib" -name libquickjs.a)" --start-group "$lib/libc.a" "$lib/libm.a" "$libgcc" --end-group "$lib/crtn.o"
}
linked x86_64 compiler '' -DCOMPILER
./compiler <"$SCRIPT" >bytecode
tool=$CC/usr/bin/x86_64-linux-gnu
[ "$TARGET" = x86_64 ] || tool=$CROSS/usr/bin/$TARGET-linux-gnu
printf '.section .rodata\n.balign 16\n.global bytecode, bytecode_end\nbytecode:\n.incbin "bytecode"\nbytecode_end:\n.section .note.GNU-stack,"",%%progbits\n' >bytecode.s
"$tool-as" bytecode.s -o bytecode.o
linked "$TARGET" client bytecode.o
mv client "$OUT.new" && mv "$OUT.new" "$OUT"
