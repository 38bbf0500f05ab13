#!/bin/bash
# cluster.sh [--nodes N] [--api modern] [--folder DIR] COMMAND [ARG...]: a real Kubernetes with N nodes (2), from Debian's packages alone, while COMMAND runs.
# Each node has a network, mounts and a hostname of its own, containerd, kubelet and kube-proxy; a bridge is the switch between them, the control
# plane and a host outside. COMMAND gets KUBECONFIG, K8S_FOLDER, K8S_NODES and, on PATH, kubectl of the same version. When it ends, however it
# ends, the kernel takes everything away. K8S_IMAGES names archives of images that each node has. --nodes 0: an API server for tests, which
# collects garbage and empties namespaces, and runs nothing; with --api modern it is that of build-modern.sh, whose etcd syncs to disk, and kubectl is
# of its version. It knows nothing of our executables.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
NODES=2
API=1.20
FOLDER=
while [ $# -gt 0 ]; do
  case $1 in
    --nodes) NODES=$2; shift 2 ;;
    --api) API=$2; shift 2 ;;
    --folder) FOLDER=$2; shift 2 ;;
    *) break ;;
  esac
done
[ $# -gt 0 ] || { sed -n '2,7s/^# //p' "$0"; exit 64; }
say() { echo "k8s: $*" >&2; }
fail() { say "$*"; exit 1; }
[ "$(id -u)" = 0 ] || fail "namespaces need root"
case $API in
  1.20) ;;
  modern) [ "$NODES" = 0 ] || fail "--api modern serves no nodes; add --nodes 0" ;;
  *) fail "--api $API: there are 1.20 and modern" ;;
esac

if [ -z "${K8S_INSIDE:-}" ]; then
  K8S_BIN=$("$HERE/build.sh")
  K8S_API_BIN=
  [ "$API" != modern ] || K8S_API_BIN=$("$HERE/build-modern.sh")
  CACHE=$(dirname "$K8S_BIN")
  export K8S_BIN K8S_API_BIN K8S_RUNTIME=$CACHE/k8s-runtime-bookworm K8S_INSIDE=1 K8S_FOLDER=${FOLDER:-$(mktemp -d "${TMPDIR:-/tmp}/k8s.XXXXXX")}
  mkdir -p "$K8S_FOLDER"
  cleanup() { [ -n "$FOLDER" ] && rm -rf "$K8S_FOLDER"/node*/containerd "$K8S_FOLDER"/etcd || rm -rf "$K8S_FOLDER"; }
  trap cleanup EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  set +e
  unshare --mount --net --pid --ipc --uts --fork --kill-child=KILL --mount-proc "$0" --nodes "$NODES" --api "$API" "$@"
  exit $?
fi

D=$K8S_FOLDER
OURS=172.18.0.1 # the control plane, and the gateway of the network
SERVICE_CIDR=10.96.0.0/16
export PATH=${K8S_API_BIN:+$K8S_API_BIN:}$K8S_BIN:$K8S_RUNTIME/usr/bin:$K8S_RUNTIME/usr/sbin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LD_LIBRARY_PATH=$K8S_RUNTIME/usr/lib/x86_64-linux-gnu KUBECONFIG=$D/admin.kubeconfig
mkdir -p "$D/log" "$D/pki"

network() {
  mount --make-rprivate /
  mkdir -p /run/netns && mount -t tmpfs netns /run/netns
  hostname control-plane
  ip link set lo up
  ip link add switch type bridge mcast_snooping 0
  ip addr add $OURS/16 dev switch && ip addr add fd00:18::1/64 dev switch nodad && ip link set switch up
  sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
  sysctl -qw net.bridge.bridge-nf-call-iptables=0 2>/dev/null || true
  plug outside eth0 172.18.0.200/16 fd00:18::200/64
  { echo "127.0.0.1 localhost"; echo "$OURS control-plane"; for n in $(seq "$NODES"); do echo "172.18.0.1$n node$n"; done; } >"$D/hosts"
  mount --bind "$D/hosts" /etc/hosts
  : >"$D/resolv.conf" && mount --bind "$D/resolv.conf" /etc/resolv.conf # no DNS: looking up our own names must not wait
}

# plug NETNS NIC ADDRESS...: a namespace with a NIC in the switch.
plug() {
  local netns=$1 nic=$2
  shift 2
  [ -e "/run/netns/$netns" ] || { ip netns add "$netns" && ip -n "$netns" link set lo up; }
  ip link add "$nic" netns "$netns" type veth peer name "$netns-$nic"
  ip link set "$netns-$nic" master switch up
  ip -n "$netns" link set "$nic" up
  for address; do ip -n "$netns" addr add "$address" dev "$nic" $(case $address in *:*) echo nodad ;; esac); done
  [ "$nic" != eth0 ] || { ip -n "$netns" route add default via $OURS && ip -n "$netns" route add default via fd00:18::1; }
}

certificates() (
  cd "$D/pki"
  openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=ca -keyout ca.key -out ca.crt 2>/dev/null
  openssl req -newkey rsa:2048 -nodes -subj /CN=kube-apiserver -keyout server.key -out server.csr 2>/dev/null
  printf 'subjectAltName=IP:%s,IP:127.0.0.1,IP:10.96.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc\n' $OURS >server.ext
  openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -extfile server.ext -out server.crt 2>/dev/null
  openssl genrsa -out sa.key 2048 2>/dev/null
)

# kubeconfig FILE USER GROUP: who we are to the API server, by a token.
kubeconfig() {
  local token server=https://$OURS:6443
  token=$(openssl rand -hex 16)
  [ "$NODES" != 0 ] || server=https://127.0.0.1:6443
  echo "$token,$2,$2,$3" >>"$D/tokens"
  cat >"$D/$1.kubeconfig" <<JSON
{"apiVersion":"v1","kind":"Config","current-context":"c","clusters":[{"name":"k","cluster":{"server":"$server","certificate-authority-data":"$(base64 -w 0 "$D/pki/ca.crt")"}}],
 "users":[{"name":"u","user":{"token":"$token"}}],"contexts":[{"name":"c","context":{"cluster":"k","user":"u"}}]}
JSON
}

# run NAME COMMAND...: a process of the control plane, kept in a file so that a test may kill it and start it again.
run() {
  local name=$1
  shift
  printf '%q ' "$@" >"$D/$name.command"
  "$HERE/daemon.sh" "$name"
}

until_true() {
  local seconds=$1 what=$2
  shift 2
  for _ in $(seq $((seconds * 5))); do
    "$@" >/dev/null 2>&1 && return 0
    sleep 0.2
  done
  fail "$what: not within $seconds s; the logs are in $D/log (--folder keeps them)"
}

control_plane() {
  local flags=() controllers='*,-ttl,-csrsigning,-csrapproving,-csrcleaner'
  kubeconfig admin admin system:masters
  kubeconfig scheduler system:kube-scheduler ""
  kubeconfig controller-manager system:kube-controller-manager ""
  kubeconfig proxy system:kube-proxy ""
  for n in $(seq "$NODES"); do kubeconfig "node$n" "system:node:node$n" system:nodes; done
  if [ "$API" = modern ]; then
    modern_api
    return
  fi
  run etcd etcd --data-dir "$D/etcd" --unsafe-no-fsync --log-level error
  [ "$NODES" != 0 ] || flags=(--disable-admission-plugins=ServiceAccount)
  run kube-apiserver kube-apiserver --etcd-servers=http://127.0.0.1:2379 --service-cluster-ip-range="$SERVICE_CIDR" --token-auth-file="$D/tokens" \
    --tls-cert-file="$D/pki/server.crt" --tls-private-key-file="$D/pki/server.key" --authorization-mode=Node,RBAC --cert-dir="$D/pki" \
    --service-account-key-file="$D/pki/sa.key" --service-account-signing-key-file="$D/pki/sa.key" \
    --service-account-issuer=https://kubernetes.default.svc --kubelet-preferred-address-types=InternalIP --enable-aggregator-routing \
    --advertise-address=$OURS --allow-privileged --max-requests-inflight=400 "${flags[@]}"
  until_true 60 "kube-apiserver is ready" kubectl get --raw /readyz
  [ "$NODES" != 0 ] || controllers=garbagecollector,namespace
  run kube-controller-manager kube-controller-manager --kubeconfig="$D/controller-manager.kubeconfig" --leader-elect=false --port=0 --use-service-account-credentials \
    --service-account-private-key-file="$D/pki/sa.key" --root-ca-file="$D/pki/ca.crt" --controllers="$controllers" \
    --node-monitor-grace-period="${K8S_NODE_GRACE:-16s}" --pod-eviction-timeout="${K8S_NODE_GRACE:-16s}"
  [ "$NODES" != 0 ] || return 0
  run kube-scheduler kube-scheduler --kubeconfig="$D/scheduler.kubeconfig" --leader-elect=false --port=0
}

# modern_api: the API server of a current Kubernetes. The controllers of 1.20 collect its garbage and empty its namespaces.
modern_api() {
  run etcd etcd --data-dir "$D/etcd" --log-level error
  run kube-apiserver apiserver --etcd-servers=http://127.0.0.1:2379 --bind-address=127.0.0.1 --secure-port=6443 --token-auth-file="$D/tokens" \
    --client-ca-file="$D/pki/ca.crt" --tls-cert-file="$D/pki/server.crt" --tls-private-key-file="$D/pki/server.key" \
    --service-cluster-ip-range="$SERVICE_CIDR"
  until_true 60 "the API server is ready" kubectl get --raw /readyz
  run kube-controller-manager kube-controller-manager --kubeconfig="$D/controller-manager.kubeconfig" --leader-elect=false --port=0 --secure-port=0 \
    --cert-dir="$D/pki" --controllers=garbagecollector,namespace
}

network
certificates
control_plane
for n in $(seq "$NODES"); do
  plug "node$n" eth0 "172.18.0.1$n/16" "fd00:18::1$n/64"
  plug "node$n" eth1 "172.19.0.1$n/16" "fd00:19::1$n/64"
  nsenter --net="/run/netns/node$n" unshare --mount --uts "$HERE/node.sh" "node$n" "172.18.0.1$n" >"$D/log/node$n.log" 2>&1 &
done
K8S_NODES=$(for n in $(seq "$NODES"); do echo "node$n"; done | xargs)
export K8S_NODES
for node in $K8S_NODES; do
  until_true 60 "$node has registered" kubectl get node "$node"
done
set +e
"$@"
exit $?
