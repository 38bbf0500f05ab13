#!/bin/sh
# Makes a fresh Debian or Ubuntu ready: `setup.sh npm` npm packages only, `demo`, `all`, `bench` and `e2e` also Debian packages where a tool is missing.
set -eu
cd "$(dirname "$0")/.."
APT_LOCK_WAIT_S=120

say() { echo "setup: $*" >&2; }
fail() { say "$*"; exit 1; }
has() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ]; }

npm_packages() {
  has node || fail "node is not on PATH; install Node 20 or later"
  major=$(node -p 'process.versions.node.split(".")[0]')
  [ "$major" -ge 20 ] || fail "node is version $major; Node 20 or later is needed"
  mark=node_modules/.package-lock.json # npm writes it last
  if [ ! -f "$mark" ] || [ package-lock.json -nt "$mark" ]; then
    say "npm ci (node_modules is missing or older than package-lock.json)"
    log=$(mktemp)
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >"$log" 2>&1 || { cat "$log" >&2; rm -f "$log"; fail "npm ci failed; its words are above"; }
    rm -f "$log"
    touch "$mark"
  fi
  if [ ! -d .tap/plugins ]; then
    say "tap build (once)"
    node_modules/.bin/tap build >/dev/null || fail "tap build failed; run: node_modules/.bin/tap build"
  fi
}

# tool:package, or /path:package. What comes first in the list is what `make demo` needs.
DEMO_TOOLS="ip:iproute2 ping:iputils-ping nsenter:util-linux nft:nftables"
TEST_TOOLS="$DEMO_TOOLS strace:strace /usr/lib/cni/host-local:containernetworking-plugins"
BENCH_TOOLS="$TEST_TOOLS /usr/bin/time:time"
# What a node needs beside what scripts/k8s/build.sh fetches, and what that builds with.
E2E_TOOLS="$DEMO_TOOLS /usr/lib/cni/host-local:containernetworking-plugins iptables:iptables curl:curl openssl:openssl dpkg-source:dpkg-dev"

missing_packages() {
  for pair in $1; do
    tool=${pair%%:*}
    case $tool in
      /*) [ -x "$tool" ] || echo "${pair#*:}" ;;
      *) has "$tool" || echo "${pair#*:}" ;;
    esac
  done
}

as_root() {
  [ "$(id -u)" = 0 ] || fail "these Debian packages are missing and only root can install them: $*"
  has apt-get || fail "there is no apt-get here; install what these Debian packages hold: $*"
}

apt_update() {
  [ -z "${updated:-}" ] || return 0
  updated=1
  apt-get -qq -o DPkg::Lock::Timeout=$APT_LOCK_WAIT_S update >/dev/null || say "apt-get update failed; going on with the lists as they are"
}

apt_install() {
  as_root "$@"
  apt_update
  say "apt-get install $* (a tool is missing)"
  log=$(mktemp)
  DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=$APT_LOCK_WAIT_S install --no-install-recommends "$@" >"$log" 2>&1 ||
    { cat "$log" >&2; rm -f "$log"; fail "apt-get install $* failed; its words are above"; }
  rm -f "$log"
}

# Debian has kubectl in kubernetes-client; Ubuntu has it in no package. Nothing but some tests depends on it.
kubectl_package() {
  has kubectl && return 0
  as_root kubernetes-client
  apt_update
  for package in kubernetes-client kubectl; do
    if apt-cache show "$package" >/dev/null 2>&1; then
      apt_install "$package"
      return 0
    fi
  done
  say "no package of this distribution has kubectl; going on without it (tables are then asked for by HTTP, tests of kubectl skip)"
}

debian_packages() {
  packages=$(missing_packages "$1" | sort -u | tr '\n' ' ')
  # shellcheck disable=SC2086 # one word a package
  [ -z "$packages" ] || apt_install $packages
  kubectl_package
}

case ${1:-all} in
  npm) npm_packages ;;
  demo) npm_packages && debian_packages "$DEMO_TOOLS" ;;
  all) npm_packages && debian_packages "$TEST_TOOLS" ;;
  e2e) npm_packages && debian_packages "$E2E_TOOLS" ;;
  bench) npm_packages && debian_packages "$BENCH_TOOLS" ;;
  *) fail "usage: setup.sh npm|demo|all|bench|e2e" ;;
esac
