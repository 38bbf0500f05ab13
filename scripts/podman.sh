#!/bin/bash
# podman.sh FOLDER COMMAND [ARG...]: COMMAND with podman 4.3 of Debian bookworm on PATH, the last one that calls CNI plugins. It keeps images,
# containers and locks in FOLDER, reads networks from FOLDER/net.d and finds plugins in CNI_PLUGINS (folders, one ':' between two).
# COMMAND runs in mounts and processes of its own, in the network namespace at NETNS or the caller's: when it ends, so do its containers. Nothing is installed.
# It knows nothing of our executables.
set -euo pipefail
. "$(dirname "$0")/debian.sh"
[ $# -ge 2 ] || { sed -n '2,5s/^# //p' "$0"; exit 64; }
FOLDER=$1
shift
PACKAGES="podman conmon runc libgpgme11 libassuan0 libgpg-error0 libseccomp2 libglib2.0-0 libpcre2-8-0 libsubid4 libdevmapper1.02.1 libsystemd0"
from bookworm
AT=$CACHE/podman-$SUITE-1
lock podman
unpack "$AT" $PACKAGES
exec 9>&-

mkdir -p "$FOLDER/net.d" "$FOLDER/tmp"
rm -rf "$FOLDER/run" # what lies there is of containers that are gone
plugins=$(printf '"%s", ' ${CNI_PLUGINS//:/ })
cat >"$FOLDER/containers.conf" <<CONF
[network]
network_backend = "cni"
cni_plugin_dirs = [${plugins%, }]
network_config_dir = "$FOLDER/net.d"
[engine]
runtime = "runc"
conmon_path = ["$AT/usr/bin/conmon"]
cgroup_manager = "cgroupfs"
events_logger = "none"
lock_type = "file"
tmp_dir = "$FOLDER/run/libpod"
static_dir = "$FOLDER/libpod"
[engine.runtimes]
runc = ["$AT/usr/sbin/runc"]
[containers]
log_driver = "k8s-file"
default_ulimits = ["nofile=1024:4096","nproc=4096:4096"]
CONF
cat >"$FOLDER/storage.conf" <<CONF
[storage]
driver = "overlay"
graphroot = "$FOLDER/root"
runroot = "$FOLDER/run"
CONF
export CONTAINERS_CONF=$FOLDER/containers.conf CONTAINERS_STORAGE_CONF=$FOLDER/storage.conf TMPDIR=$FOLDER/tmp
export PATH=$AT/usr/bin:$AT/usr/sbin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LD_LIBRARY_PATH=$AT/usr/lib/x86_64-linux-gnu
# shellcheck disable=SC2016 # for the inner shell
private '
  mkdir -p /etc/containers && mount -t tmpfs containers /etc/containers
  echo "{\"default\":[{\"type\":\"insecureAcceptAnything\"}]}" >/etc/containers/policy.json
  mkdir -p /run/netns && mount -t tmpfs netns /run/netns' "$@"
