#!/bin/bash
# build.sh: a real Kubernetes from Debian's own source package, and what runs beside it, from Debian's mirror alone; prints the folder that has it.
# Nothing is installed and apt's own configuration is not touched. What is made is kept by the version of the source package: the first time costs
# about eight minutes of two cores, the next one nothing. It knows nothing of our executables.
set -euo pipefail
CACHE=${SPIDERPOOL_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/spiderpool}
SUITE=bookworm # the last release of Debian whose source package has all of Kubernetes and not kubectl alone
RUNTIME="etcd-server containerd runc conntrack libnetfilter-conntrack3 libnfnetlink0"
COMPILER="golang-1.19-go golang-1.19-src"
# The source package carries a reflect2 that is older than Go 1.18's maps: kube-apiserver then dies of SIGSEGV under load. Debian's own is newer.
REPLACED=golang-github-modern-go-reflect2-dev
PROGRAMS="kubelet kube-proxy kube-controller-manager kube-scheduler kubectl"

say() { echo "k8s: $*" >&2; }
fail() { say "$*"; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }
[ "$(uname -m)" = x86_64 ] || fail "the packages are looked for in Debian amd64; this is $(uname -m)"
for tool in apt-get dpkg-deb dpkg-source; do
  has $tool || fail "$tool is missing; apt-get install apt dpkg-dev"
done

mkdir -p "$CACHE"
exec 9>"$CACHE/k8s.lock"
flock -n 9 || { say "another build is running; waiting for it"; flock 9; }

# An apt of our own: the same mirror as the machine's, source packages too.
APT=$CACHE/apt-$SUITE
apt_own() {
  apt-get -qq -o Dir::Etc::sourcelist="$APT/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State="$APT/state" -o Dir::Cache="$APT/cache" \
    -o Dir::State::status=/var/lib/dpkg/status -o APT::Sandbox::User=root "$@"
}
mirror() {
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 2>/dev/null | grep -v -e security | head -n 1
}
apt_ready() {
  [ ! -e "$APT/ready" ] || return 0
  mkdir -p "$APT/state/lists/partial" "$APT/cache/archives/partial"
  uri=${SPIDERPOOL_DEBIAN_MIRROR:-$(mirror)}
  line="[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${uri:-http://deb.debian.org/debian} $SUITE main"
  printf 'deb %s\ndeb-src %s\n' "$line" "$line" >"$APT/sources.list"
  apt_own update || fail "Debian's package lists cannot be had from ${uri:-http://deb.debian.org/debian}; SPIDERPOOL_DEBIAN_MIRROR names another mirror"
  touch "$APT/ready"
}

# unpack FOLDER PACKAGE...: the files of packages, without installing them. It appears only when it is whole.
unpack() (
  [ ! -d "$1" ] || exit 0
  part=$(mktemp -d "$CACHE/.part.XXXXXX")
  trap 'rm -rf "$part"' EXIT
  mkdir "$part/root" && cd "$part"
  apt_own download "${@:2}" >&2 || fail "apt-get cannot download: ${*:2}"
  for deb in ./*.deb; do dpkg-deb -x "$deb" root; done
  mv root "$1"
)

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

apt_ready
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
