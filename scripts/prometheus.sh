#!/bin/bash
# prometheus.sh COMMAND [ARG...]: prometheus or promtool of Debian's package, for the tests of metrics, alert rules and dashboards: the one on PATH, else
# one that is fetched once into the cache; nothing is installed and no service is started. `prometheus.sh --path COMMAND` prints where it is.
set -euo pipefail
. "$(dirname "$0")/debian.sh"
FOLDER=$CACHE/prometheus-bookworm-1

path_of() {
  if has "$1"; then command -v "$1"; return; fi
  [ -x "$FOLDER/usr/bin/$1" ] || { lock prometheus; from bookworm; unpack "$FOLDER" prometheus; exec 9>&-; }
  [ -x "$FOLDER/usr/bin/$1" ] || fail "Debian's package prometheus has no $1; name prometheus or promtool"
  echo "$FOLDER/usr/bin/$1"
}

[ "${1:-}" != --path ] || { path_of "${2:?a command}"; exit; }
[ $# -gt 0 ] || fail "name a command: prometheus or promtool"
COMMAND=$(path_of "$1")
shift
exec "$COMMAND" "$@"
