#!/bin/bash
# image.sh TAG OUT FILE[=PATH]... [-- ENTRYPOINT...]: a container image made from files alone, as `docker save` writes it, for `ctr images import`,
# `podman load` or a registry's tool. Programs bring the shared libraries that the loader asks for. No registry, no builder, no base image.
# The same files make the same bytes. Of an executable of ours the image has its version as labels, and as further tags beside `latest`.
set -euo pipefail
[ $# -ge 3 ] || { sed -n '2,4s/^# //p' "$0"; exit 64; }
tag=$1 out=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root/tmp" "$root/etc" && chmod 1777 "$root/tmp"
echo 'root:x:0:0::/:' >"$root/etc/passwd"

version='' commit=''
declare -A first=() # where a file went first; its other names are links
put() {
  mkdir -p "$root$(dirname "$2")"
  if [ -n "${first[$1]:-}" ]; then ln "$root${first[$1]}" "$root$2"; else cp -L "$1" "$root$2" && first[$1]=$2; fi
}
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  from=${1%%=*} to=${1#*=}
  [ -r "$from" ] || { echo "image: there is no $from" >&2; exit 1; }
  put "$from" "$to"
  case $(basename "$from") in spiderpool-client) ;; spiderpool*) read -r _ version commit <<<"$("$from" --version)" ;; esac
  for library in $(ldd "$from" 2>/dev/null | grep -o '/[^ ]*'); do
    [ -e "$root$library" ] || put "$library" "$library"
  done
  shift
done
[ $# -eq 0 ] || shift
entrypoint=$(for word; do printf '"%s",' "$word"; done)

tar_of() { tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$1" -cf "$2" "${@:3}"; }
tar_of "$root" "$work/layer.tar" .
sum=$(sha256sum "$work/layer.tar" | cut -d' ' -f1)
case $(uname -m) in aarch64) machine=arm64 ;; *) machine=amd64 ;; esac
labels=$(printf '"org.opencontainers.image.version":"%s","org.opencontainers.image.revision":"%s"' "$version" "${commit//[()]/}")
tags=$(printf '"%s"' "$tag")
if [ -z "$version" ]; then labels=; elif [[ $tag == *:latest ]]; then
  tags+=$(printf ',"%s:%s"' "${tag%:latest}" "$version")
  # The name without a registry, as the chart has it, in full: runtimes resolve it so.
  [[ $tag != localhost/* ]] || tags+=$(printf ',"docker.io/library/%s:%s"' "$(basename "${tag%:latest}")" "$version")
fi
printf '{"architecture":"%s","os":"linux","config":{"Entrypoint":[%s],"Env":["PATH=/bin"],"WorkingDir":"/","Labels":{%s}},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
  "$machine" "${entrypoint%,}" "$labels" "$sum" >"$work/config.json"
printf '[{"Config":"config.json","RepoTags":[%s],"Layers":["layer.tar"]}]' "$tags" >"$work/manifest.json"
tar_of "$work" "$out.$$" manifest.json config.json layer.tar
mv "$out.$$" "$out"
