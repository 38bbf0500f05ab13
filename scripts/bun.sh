#!/bin/sh
# Runs the Bun that npm brought. npm may or may not have run install scripts, so the binary lies in one of two places.
here=$(cd "$(dirname "$0")/.." && pwd)
for bun in "$here"/node_modules/@oven/bun-linux-*/bin/bun "$here"/node_modules/bun/bin/bun.exe; do
  [ -x "$bun" ] && exec "$bun" "$@"
done
echo "scripts/bun.sh: no Bun under node_modules; run: npm ci" >&2
exit 127
