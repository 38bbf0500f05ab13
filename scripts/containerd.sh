#!/bin/bash
# containerd.sh FOLDER COMMAND [ARG...]: COMMAND with Debian sid's containerd on PATH, the first that speaks CNI 1.1.0 and calls STATUS, and the conf
# for it in FOLDER/containerd.toml: it keeps everything in FOLDER, listens at FOLDER/sock, reads networks from FOLDER/net.d and finds plugins in
# CNI_PLUGINS (folders, one ':' between two). COMMAND runs in mounts and processes of its own, in the network namespace at NETNS or the caller's: when it ends, so do its containers. Nothing is
# installed. It knows nothing of our executables.
set -euo pipefail
. "$(dirname "$0")/debian.sh"
[ $# -ge 2 ] || { sed -n '2,6s/^# //p' "$0"; exit 64; }
FOLDER=$1
shift
lock containerd
from sid
AT=$CACHE/containerd-$SUITE-1
unpack "$AT" containerd
from bookworm # sid's runc wants a newer libc than this machine may have
RUNC=$CACHE/runc-$SUITE-1
unpack "$RUNC" runc libseccomp2
exec 9>&-

mkdir -p "$FOLDER/net.d"
plugins=$(printf '"%s", ' ${CNI_PLUGINS//:/ })
cat >"$FOLDER/containerd.toml" <<TOML
version = 3
root = "$FOLDER/root"
state = "$FOLDER/state"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.internal.v1.opt", "io.containerd.nri.v1.nri"]
[grpc]
  address = "$FOLDER/sock"
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "${CONTAINERD_SANDBOX:-localhost/busybox:1}"
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = [${plugins%, }]
    conf_dir = "$FOLDER/net.d"
TOML
export PATH=$AT/usr/bin:$RUNC/usr/sbin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LD_LIBRARY_PATH=$RUNC/usr/lib/x86_64-linux-gnu
private 'mkdir -p /run/netns && mount -t tmpfs netns /run/netns' "$@"
