#!/bin/bash
# vmrun.sh COMMAND [ARG...]: runs a command under a kernel of its own, user-mode-linux, that has the link kinds which the running kernel may lack.
# The command sees this machine's files through an overlay and may write anywhere; what it writes is gone afterwards. It is root, with no
# network but `lo`. Its stdout, stderr and status become ours; 124: over VMRUN_TIMEOUT_S, 125: no machine could be had, with the reason.
# Nothing is installed: Debian's packages are fetched once by apt-get (which checks their signatures) into VMRUN_CACHE.
set -u
TIMEOUT_S=${VMRUN_TIMEOUT_S:-280} # less than a test file may take (.taprc), so that the reason is ours to tell
MEMORY_MB=${VMRUN_MEMORY_MB:-1024} # taken as it is used
CACHE=${VMRUN_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/spiderpool}
MODULES="ipv6 dummy 8021q bonding ipvlan macvlan veth bridge vrf"

fail() { echo "vmrun: $*" >&2; exit 125; }
[ $# -gt 0 ] || { sed -n '2,5s/^# //p' "$0"; exit 64; }

# fetch NAME PACKAGE TAR-OPTION...: $CACHE/NAME has the package's files. It appears only when it is whole.
fetch() (
  name=$1 package=$2
  shift 2
  [ -d "$CACHE/$name" ] && exit 0
  mkdir -p "$CACHE" && exec 9>"$CACHE/lock" && flock 9 || exit 1
  [ -d "$CACHE/$name" ] && exit 0
  part=$(mktemp -d "$CACHE/.part.XXXXXX") && trap 'rm -rf "$part"' EXIT && cd "$part" && mkdir root || exit 1
  apt-get -qq download "$package" 2>apt.log || { cat apt.log >&2; exit 1; }
  dpkg-deb --fsys-tarfile ./*.deb | tar -x -C root --no-same-owner --wildcards "$@" || exit 1
  mv root "$CACHE/$name"
)
[ "$(uname -m)" = x86_64 ] || fail "user-mode-linux runs on x86_64 only; this is $(uname -m)"
fetch busybox busybox-static ./bin || fail "the package busybox-static cannot be fetched (apt-get update?)"
BUSYBOX=$CACHE/busybox/bin/busybox
[ "$1" != --busybox ] || { echo "$BUSYBOX"; exit 0; } # for who needs a static one
fetch uml user-mode-linux --exclude './usr/share/*' ./usr || fail "the package user-mode-linux cannot be fetched (apt-get update?)"
MODULES_DIR=$CACHE/uml/usr/lib/uml/modules
RELEASE=$(ls "$MODULES_DIR") || fail "there are no modules in $MODULES_DIR"
preload=()
if grep -qw amx_tile /proc/cpuinfo; then
  fetch tcc tcc ./usr/bin ./usr/lib || fail "this CPU has AMX, and the package tcc, which makes user-mode-linux run on it, cannot be fetched"
  SHIM=$CACHE/vmrun-amx-$(sha256sum <"$(dirname "$0")/vmrun-amx.c" | cut -c1-16).so
  [ -e "$SHIM" ] || {
    "$CACHE/tcc/usr/bin/tcc" -B"$(echo "$CACHE"/tcc/usr/lib/*/tcc)" -nostdinc -nostdlib -shared -o "$SHIM.$$" "$(dirname "$0")/vmrun-amx.c" &&
      mv "$SHIM.$$" "$SHIM"
  } || fail "scripts/vmrun-amx.c cannot be compiled"
  preload=(env "LD_PRELOAD=$SHIM")
fi
[ -e "$MODULES_DIR/$RELEASE/modules.dep" ] || "$BUSYBOX" depmod -b "$CACHE/uml" "$RELEASE" || fail "depmod failed"

WORK=$(mktemp -d "${TMPDIR:-/tmp}/vmrun.XXXXXX") || fail "no temporary folder"
machine=
cleanup() {
  [ -z "$machine" ] || { kill -KILL "$machine" 2>/dev/null; wait "$machine" 2>/dev/null; }
  rm -rf "$WORK"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
mkdir "$WORK/share" && : >"$WORK/share/out" && : >"$WORK/share/err"
export -p >"$WORK/share/env"
printf '%q ' "$@" >"$WORK/share/command"

# The first process of the machine. A pivot and not a chroot: the kernel's own helpers (modprobe) follow a pivot.
cat >"$WORK/share/init" <<GUEST
#!/bin/bash
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
SHARE='$WORK/share'
trap 'sync; echo o >/proc/sysrq-trigger; sleep 20' EXIT
mount -t proc proc /proc && mount -t tmpfs tmpfs /mnt && mkdir /mnt/upper /mnt/work /mnt/root
'$BUSYBOX' insmod '$MODULES_DIR/$RELEASE/kernel/fs/overlayfs/overlay.ko'
mount -t overlay root -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root || exit
cd /mnt/root && mkdir -p .old && pivot_root . .old && cd / || exit
umount -l /.old/mnt /.old/proc /.old
mount -t proc proc /proc && mount -t sysfs sysfs /sys && mount -t devtmpfs dev /dev && mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /dev/pts /dev/shm && mount -t devpts devpts /dev/pts && mount -t tmpfs tmpfs /dev/shm
ln -sf /proc/self/fd /dev/fd; ln -sf fd/0 /dev/stdin; ln -sf fd/1 /dev/stdout; ln -sf fd/2 /dev/stderr
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p "\$SHARE" && mount -t hostfs -o "sync,\$SHARE" none "\$SHARE" || exit # the one place where writes reach the host
mkdir -p /lib/modules && mount --bind '$MODULES_DIR' /lib/modules
[ -e /sbin/modprobe ] || ln -s '$BUSYBOX' /sbin/modprobe
mkdir -p /etc/modprobe.d # else the modules make a bond0 and a dummy0 of their own
printf 'options bonding max_bonds=0\noptions dummy numdummies=0\n' >/etc/modprobe.d/vmrun.conf
'$BUSYBOX' modprobe -a $MODULES
ip link set lo up
( . "\$SHARE/env"; export SPIDERPOOL_VM=1; cd '$PWD'; eval "setsid -w \$(cat "\$SHARE/command")" </dev/null >>"\$SHARE/out" 2>>"\$SHARE/err" )
echo \$? >"\$SHARE/status.part"; mv "\$SHARE/status.part" "\$SHARE/status"
GUEST
chmod +x "$WORK/share/init"

memory=/dev/shm
[ -w $memory ] || memory=$WORK
# The kernel is some ten host processes; in a PID namespace all end with the first.
space=()
unshare --pid --fork --kill-child true 2>/dev/null && space=(unshare --pid --fork --kill-child)
TMPDIR=$memory "${space[@]}" timeout -s KILL "$TIMEOUT_S" "${preload[@]}" "$CACHE/uml/usr/bin/linux.uml" mem="${MEMORY_MB}M" uml_dir="$WORK/" umid=vm \
  root=/dev/root rootfstype=hostfs rootflags=/ ro init="$WORK/share/init" quiet panic=-1 \
  con=null con0=null,fd:1 ssl=null </dev/null >"$WORK/console" 2>&1 &
machine=$!
wait "$machine"
status=$?
machine=
cat "$WORK/share/out"
cat "$WORK/share/err" >&2
[ -s "$WORK/share/status" ] && exit "$(cat "$WORK/share/status")"
case $status in
  124 | 137) echo "vmrun: not done within $TIMEOUT_S s" >&2; exit 124 ;;
esac
sed 's/^/[console] /' "$WORK/console" >&2
fail "the machine ended without a result (status $status)"
