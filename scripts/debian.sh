#!/bin/bash
# debian.sh, sourced by scripts that need programs of a Debian release beside the machine's own: packages are fetched and unpacked into a cache,
# nothing is installed, and apt's own configuration is not touched. Sets CACHE; what is made there is made once.
CACHE=${SPIDERPOOL_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/spiderpool}

say() { echo "$(basename "$0" .sh): $*" >&2; }
fail() { say "$*"; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }
[ "$(uname -m)" = x86_64 ] || fail "the packages are looked for in Debian amd64; this is $(uname -m)"
for tool in apt-get dpkg-deb; do
  has $tool || fail "$tool is missing; apt-get install apt dpkg-dev"
done
mkdir -p "$CACHE"

# One at a time: LOCK NAME.
lock() {
  exec 9>"$CACHE/$1.lock"
  flock -n 9 || { say "another one is at it; waiting"; flock 9; }
}

# An apt of our own: the same mirror as the machine's, source packages too.
apt_own() {
  apt-get -qq -o Dir::Etc::sourcelist="$APT/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State="$APT/state" -o Dir::Cache="$APT/cache" \
    -o APT::Architecture="${MACHINE:-amd64}" -o APT::Architectures="${MACHINE:-amd64}" \
    -o Dir::State::status=/var/lib/dpkg/status -o APT::Sandbox::User=root -o Acquire::Check-Valid-Until=false "$@" # a mirror may be late
}
mirror() {
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 2>/dev/null | grep -v -e security | head -n 1
}
# from RELEASE [MACHINE]: what is unpacked from here on is of that one, for amd64 or MACHINE.
from() {
  SUITE=$1 MACHINE=${2:-amd64} APT=$CACHE/apt-$1${2:+-$2}
  [ -e "$APT/ready" ] || apt_ready
}
apt_ready() (
  exec 8>"$APT.lock" && flock 8
  [ ! -e "$APT/ready" ] || exit 0
  mkdir -p "$APT/state/lists/partial" "$APT/cache/archives/partial"
  uri=${SPIDERPOOL_DEBIAN_MIRROR:-$(mirror)}
  line="[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${uri:-http://deb.debian.org/debian} $SUITE main"
  printf 'deb %s\ndeb-src %s\n' "$line" "$line" >"$APT/sources.list"
  apt_own update || fail "Debian's package lists cannot be had from ${uri:-http://deb.debian.org/debian}; SPIDERPOOL_DEBIAN_MIRROR names another mirror"
  touch "$APT/ready"
)

# unpack FOLDER PACKAGE...: the files of packages, without installing them. It appears only when it is whole.
unpack() (
  [ ! -d "$1" ] || exit 0
  part=$(mktemp -d "$CACHE/.part.XXXXXX")
  trap 'rm -rf "$part"' EXIT
  mkdir "$part/root" && cd "$part"
  apt_own download "${@:2}" >&2 || { # the lists may be older than what the mirror has
    say "asking for newer lists of packages" && apt_own update && apt_own download "${@:2}" >&2
  } || fail "apt-get cannot download: ${*:2}"
  for deb in ./*.deb; do dpkg-deb -x "$deb" root; done
  mv root "$1"
)

# private SCRIPT COMMAND...: COMMAND in mounts and processes of its own, after SCRIPT has run there, and in the network namespace at NETNS where that
# is set. When it ends, so does all that it started.
private() {
  mounts=$1
  shift
  exec ${NETNS:+nsenter --net="$NETNS"} unshare --mount --pid --fork --kill-child=KILL --mount-proc --propagation private sh -c "$mounts; exec \"\$@\"" sh "$@"
}
