#!/bin/bash
# build.sh: a real Kubernetes from Debian's own source package, and what runs beside it, from Debian's mirror alone; prints the folder that has it.
# Nothing is installed and apt's own configuration is not touched. What is made is kept by the version of the source package: the first time costs
# about eight minutes of two cores, the next one nothing. It knows nothing of our executables.
set -euo pipefail
SUITE=bookworm # the last release of Debian whose source package has all of Kubernetes and not kubectl alone
RUNTIME="etcd-server containerd runc conntrack libnetfilter-conntrack3 libnfnetlink0"
COMPILER="golang-1.19-go golang-1.19-src"
# The source package carries a reflect2 that is older than Go 1.18's maps: kube-apiserver then dies of SIGSEGV under load. Debian's own is newer.
REPLACED=golang-github-modern-go-reflect2-dev
PROGRAMS="kubelet kube-proxy kube-controller-manager kube-scheduler kubectl"
. "$(dirname "$0")/../debian.sh"
has dpkg-source || fail "dpkg-source is missing; apt-get install dpkg-dev"
lock k8s

# How Debian's rules say it: go without modules, from the vendored tree, offline.
VERSION_AT=k8s.io/component-base/version
go_in() {
  env -C "$TREE" PATH="$GO:$PATH" GOPATH="$WORK/gopath" GOCACHE="$WORK/gocache" GOPROXY=off GO111MODULE=off CGO_ENABLED=0 nice -n "${SPIDERPOOL_BUILD_NICE:-10}" "$@"
}
build() {
  flags="-s -w"
  for at in k8s.io/kubernetes/vendor/$VERSION_AT k8s.io/kubernetes/vendor/k8s.io/client-go/pkg/version; do
    flags="$flags -X $at.gitMajor=1 -X $at.gitMinor=${GIT_VERSION#1.} -X $at.gitVersion=v$GIT_VERSION -X $at.gitTreeState=clean"
  done
  flags=${flags//gitMinor=${GIT_VERSION#1.}/gitMinor=$(echo "$GIT_VERSION" | cut -d. -f2)}
  started=$SECONDS
  go_in go build -ldflags "$flags" -o "$WORK/bin/$1" "$2" || fail "$1 does not build; see above"
  say "$1: $((SECONDS - started)) s"
}
# kube-apiserver needs one generated file, which the source package leaves to its build.
openapi() {
  build openapi-gen k8s.io/kubernetes/vendor/k8s.io/kube-openapi/cmd/openapi-gen
  folders=$(cd "$TREE" && {
    grep -rl --include='*.go' '+k8s:openapi-gen=' pkg cmd
    for folder in vendor/k8s.io/*; do [ ! -L "$folder" ] || grep -rl --include='*.go' '+k8s:openapi-gen=' "$folder/" || true; done
  } | grep -v -E '_test.go|code-generator|sample-apiserver|sample-controller|zz_generated' | xargs -n1 dirname | sort -u | sed 's#//*#/#g; s#^#k8s.io/kubernetes/#' | paste -sd,)
  : >"$WORK/header"
  go_in "$WORK/bin/openapi-gen" --logtostderr -i "$folders" -p k8s.io/kubernetes/pkg/generated/openapi -O zz_generated.openapi -h "$WORK/header" -r "$WORK/violations" 2>"$WORK/openapi.log" ||
    { tail -n 5 "$WORK/openapi.log" >&2; fail "openapi-gen failed"; }
  rm "$WORK/bin/openapi-gen"
}

from "$SUITE"
unpack "$CACHE/k8s-runtime-$SUITE" $RUNTIME
SOURCE_VERSION=$(apt_own --print-uris --download-only source kubernetes 2>/dev/null | sed -n "s/^'.*kubernetes_\(.*\)\.dsc' .*/\1/p" | sed 's/%2b/+/g')
[ -n "$SOURCE_VERSION" ] || fail "$SUITE has no source package kubernetes on this mirror"
BUILT=$CACHE/kubernetes-$SOURCE_VERSION-4 # the last number: what this script changes of it
if [ ! -d "$BUILT" ]; then
  say "building Kubernetes $SOURCE_VERSION from its source package (once, about eight minutes)"
  unpack "$CACHE/k8s-go-$SUITE" $COMPILER $REPLACED
  GO=$CACHE/k8s-go-$SUITE/usr/lib/go-1.19/bin
  WORK=$CACHE/k8s-build
  rm -rf "$WORK" && mkdir -p "$WORK/bin" "$WORK/gopath/src/k8s.io"
  TREE=$WORK/gopath/src/k8s.io/kubernetes
  (cd "$WORK" && apt_own --download-only source kubernetes >&2 && dpkg-source --no-check -x ./kubernetes_*.dsc "$TREE" >"$WORK/unpack.log" 2>&1) ||
    fail "the source package cannot be fetched or unpacked; $WORK/unpack.log"
  NEWER=$CACHE/k8s-go-$SUITE/usr/share/gocode/src/github.com/modern-go/reflect2
  rm "$TREE"/vendor/github.com/modern-go/reflect2/*.{go,s}
  cp -L "$NEWER"/*.{go,s} "$TREE/vendor/github.com/modern-go/reflect2/"
  # Since Go 1.19 an empty string equals its zero Value, and this check took the one for the other: every "" in a custom resource was "null".
  ZERO='reflect.DeepEqual(reflect.Zero(reflect.TypeOf(data)), reflect.ValueOf(data))'
  VALIDATE=$TREE/vendor/k8s.io/kube-openapi/pkg/validation/validate/type.go # which go-openapi/validate became
  grep -qF "if data == nil || $ZERO {" "$VALIDATE" || fail "$VALIDATE is not as it was known; see the comment in build.sh"
  sed -i "s/if data == nil || reflect.DeepEqual(reflect.Zero.*{/if data == nil {/" "$VALIDATE"
  GIT_VERSION=${SOURCE_VERSION#*really}
  GIT_VERSION=${GIT_VERSION%-*}
  for program in $PROGRAMS; do build "$program" "k8s.io/kubernetes/cmd/$program"; done
  openapi
  build kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver
  mv "$WORK/bin" "$BUILT"
  rm -rf "$WORK" "$CACHE/k8s-go-$SUITE"
fi
echo "$BUILT"
