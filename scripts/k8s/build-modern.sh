#!/bin/bash
# build-modern.sh: an API server of a current Kubernetes for tests, with etcd and kubectl, from packages of Debian sid alone; prints the folder that has
# them. Debian has the libraries that kube-apiserver is made of, and modern/*.go assembles them. Nothing is installed and apt's own configuration is not
# touched. What is built is kept by the version of the libraries and the content of modern/: the first time costs three to seven minutes of two cores
# and 2.5 GB of disk while it lasts, the next one nothing. It knows nothing of our executables.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
GO_VERSION=1.26
LIBRARY=golang-k8s-apiserver-dev # its version is that of Kubernetes: 0.36.4 is 1.36.4
. "$HERE/../debian.sh"
lock k8s-modern

from sid # no other release has golang-k8s-apiextensions-apiserver-dev
# The version that the mirror has, by apt's lists in the cache.
offered() { apt_own --print-uris download "$LIBRARY" 2>/dev/null | sed -n "s/^'.*' ${LIBRARY}_\([^_]*\)_.*/\1/p" | sed 's/%2b/+/g; s/%3a/:/g'; }
folder() { echo "$CACHE/apiserver-$1-$(cat "$HERE"/modern/* | sha256sum | cut -c1-8)-1"; } # the last number: what this script changes of it
VERSION=$(offered)
[ -n "$VERSION" ] || fail "$SUITE has no $LIBRARY on this mirror"
BUILT=$(folder "$VERSION")
[ ! -d "$BUILT" ] || { echo "$BUILT"; exit 0; }

WORK=$CACHE/k8s-modern-build
say "building an API server from Debian's Kubernetes libraries $VERSION (once, three to seven minutes)"
ROOT=$WORK/root-$VERSION
[ -d "$ROOT" ] || rm -rf "$WORK" # of another version, or of a build that did not come to its end
mkdir -p "$WORK/bin"
mapfile -t LIBRARIES <"$HERE/modern/packages.txt"
# kubectl/sid: the machine's own sources may have a later one.
unpack "$ROOT" "golang-$GO_VERSION-go" "golang-$GO_VERSION-src" etcd-server kubectl/sid "${LIBRARIES[@]}"
VERSION=$(offered) # unpack may have fetched newer lists
BUILT=$(folder "$VERSION")

# Debian's libraries are a GOPATH, not modules.
export GOROOT=$ROOT/usr/lib/go-$GO_VERSION GOPATH=$WORK/gopath:$ROOT/usr/share/gocode GOCACHE=$WORK/gocache
export GO111MODULE=off GOTOOLCHAIN=local GOPROXY=off GOTELEMETRY=off GOFLAGS=-trimpath CGO_ENABLED=0 GOGC=400
build() {
  local started=$SECONDS
  nice -n "${SPIDERPOOL_BUILD_NICE:-10}" "$GOROOT/bin/go" build -ldflags "$1" -o "$WORK/bin/$2" "$3" || fail "$2 does not build; see above"
  say "$2: $((SECONDS - started)) s"
}
SOURCE=$WORK/gopath/src/apiserver
rm -rf "$SOURCE" && mkdir -p "$SOURCE/openapi"
cp "$HERE"/modern/*.go "$SOURCE/"

# The OpenAPI of the built-in kinds, by which kubectl explains and server-side apply merges, is generated; the library of CRDs has only its own.
build "-s -w" openapi-gen k8s.io/kube-openapi/cmd/openapi-gen
: >"$WORK/header"
echo 'package openapi' >"$SOURCE/openapi/doc.go"
INPUT=$(for group in core apps batch coordination admissionregistration rbac discovery networking flowcontrol; do echo "k8s.io/api/$group/v1"; done
  for part in apis/meta/v1 runtime version api/resource util/intstr; do echo "k8s.io/apimachinery/pkg/$part"; done)
# shellcheck disable=SC2086 # one word a package
PATH=$GOROOT/bin:$PATH env -C "$SOURCE" "$WORK/bin/openapi-gen" --go-header-file "$WORK/header" --output-dir openapi --output-pkg apiserver/openapi \
  --output-file zz_generated.openapi.go --report-filename "$WORK/violations" $INPUT >&2 || fail "openapi-gen failed"
rm "$WORK/bin/openapi-gen"

MINOR=$(echo "${VERSION#*:}" | sed -n 's/^0\.\([0-9.]*\).*/\1/p') # 36.4
[ -n "$MINOR" ] || fail "$LIBRARY $VERSION: not a version of Kubernetes"
AT=k8s.io/component-base/version
build "-s -w -X $AT.gitVersion=v1.$MINOR -X $AT.gitMajor=1 -X $AT.gitMinor=${MINOR%%.*} -X $AT.gitTreeState=clean" apiserver apiserver
cp "$ROOT/usr/bin/etcd" "$ROOT/usr/bin/kubectl" "$WORK/bin/"
mv "$WORK/bin" "$BUILT"
[ -n "${SPIDERPOOL_BUILD_KEEP:-}" ] || rm -rf "$WORK" # kept, it compiles a change of modern/ in seconds
echo "$BUILT"
