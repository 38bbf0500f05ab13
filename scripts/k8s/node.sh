#!/bin/bash
# node.sh NAME ADDRESS: what is a node's own, started by cluster.sh in the node's network namespace: mounts, then containerd, kubelet and kube-proxy.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
NAME=$1 ADDRESS=$2
N=$K8S_FOLDER/$NAME
mkdir -p "$N"/{lib,log,opt,run}
hostname "$NAME"

# What the nodes use of the machine, wherever it is: a folder of the node's own over /opt or /var/lib must not hide it.
NEEDED="$HERE $K8S_FOLDER $K8S_BIN $K8S_RUNTIME ${K8S_IMAGES:-} ${MULTUS_BIN:-} ${MULTUS_STAND_IN:-} ${SPIDERPOOLCTL:-}"
# own FOLDER REPLACEMENT: the node sees REPLACEMENT at FOLDER, and in it what is needed below FOLDER.
own() {
  local at inside
  for at in $NEEDED; do
    case $at in "$1"/*) ;; *) continue ;; esac
    inside=$2${at#"$1"}
    if [ -d "$at" ]; then mkdir -p "$inside"; else mkdir -p "$(dirname "$inside")" && touch "$inside"; fi
    mount --rbind "$at" "$inside"
  done
  mount --rbind "$2" "$1"
}
mount --make-rprivate /
# A copy: a change of the machine's own /etc while the cluster runs reaches no node, nor do networks of the machine's own runtime.
rm -rf "$N/etc" && cp -a /etc "$N/etc" && rm -rf "$N/etc/cni"
mount -t tmpfs run "$N/run"
own /etc "$N/etc"
own /var/lib "$N/lib"
own /var/log "$N/log"
own /opt "$N/opt"
own /run "$N/run"
mount --make-rshared / # as systemd has it: namespaces that containerd makes appear in the pods that mount /run/netns
mkdir -p /opt/cni/bin /etc/cni/net.d /var/lib/kubelet /var/log/pods /run/netns
cp -a /usr/lib/cni/. /opt/cni/bin/ 2>/dev/null || true # Debian's plugins, as a node has those of the project
rm -f /etc/hosts /etc/resolv.conf # either may be a link into what the node does not see
cp "$K8S_FOLDER/hosts" /etc/hosts && : >/etc/resolv.conf
sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1

cat >/etc/containerd.toml <<TOML
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs", "io.containerd.internal.v1.opt"]
[grpc]
  address = "/run/containerd/containerd.sock"
[metrics]
  address = "127.0.0.1:1338"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/busybox:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/opt/cni/bin"
    conf_dir = "/etc/cni/net.d"
TOML
cat >/etc/kubelet.yaml <<JSON
{"apiVersion":"kubelet.config.k8s.io/v1beta1","kind":"KubeletConfiguration","cgroupDriver":"cgroupfs","cgroupsPerQOS":false,"enforceNodeAllocatable":[],
 "failSwapOn":false,"oomScoreAdj":0,"authentication":{"anonymous":{"enabled":true},"webhook":{"enabled":false}},"authorization":{"mode":"AlwaysAllow"},
 "resolvConf":"","imageGCHighThresholdPercent":100,"evictionHard":{"memory.available":"50Mi"},"nodeStatusUpdateFrequency":"2s","maxPods":150,
 "registryPullQPS":0,"serializeImagePulls":false,"syncFrequency":"10s"}
JSON
cat >/etc/kube-proxy.yaml <<JSON
{"apiVersion":"kubeproxy.config.k8s.io/v1alpha1","kind":"KubeProxyConfiguration","clientConnection":{"kubeconfig":"$K8S_FOLDER/proxy.kubeconfig"},
 "mode":"iptables","clusterCIDR":"10.244.0.0/16","hostnameOverride":"$NAME","oomScoreAdj":0,
 "conntrack":{"maxPerCore":0,"min":0,"tcpEstablishedTimeout":"0s","tcpCloseWaitTimeout":"0s"}}
JSON

run() {
  local name=$1
  shift
  printf '%q ' "$@" >"$N/$name.command"
  "$HERE/daemon.sh" "$NAME/$name"
}
run containerd containerd -c /etc/containerd.toml
until ctr version >/dev/null 2>&1; do sleep 0.1; done
for image in ${K8S_IMAGES:-}; do ctr -n k8s.io images import "$image" >/dev/null; done
run kubelet kubelet --config=/etc/kubelet.yaml --root-dir=/var/lib/kubelet --kubeconfig="$K8S_FOLDER/$NAME.kubeconfig" --container-runtime=remote \
  --container-runtime-endpoint=unix:///run/containerd/containerd.sock --hostname-override="$NAME" --node-ip="$ADDRESS" --cert-dir=/var/lib/kubelet/pki
run kube-proxy kube-proxy --config=/etc/kube-proxy.yaml
# What keeps the node's mounts: `nsenter --target PID --mount --net --uts` goes there.
echo $$ >"$N/pid"
exec sleep infinity
