#!/bin/bash
# networkmanager.sh --fetch | COMMAND [ARG...]: COMMAND beside NetworkManager 1.42 of Debian bookworm and a D-Bus of its own, in mounts, processes and a
# network of their own: when it ends, so do they. Nothing is installed, and no NetworkManager of the machine's is touched. The drop-in file is
# what NM_CONF holds; none where it is empty. --fetch only fetches, for who will run it where there is no network. It knows nothing of our executables.
set -euo pipefail
SUITE=bookworm
. "$(dirname "$0")/debian.sh"
[ $# -ge 1 ] || { sed -n '2,5s/^# //p' "$0"; exit 64; }
PACKAGES="network-manager dbus-daemon libnm0 libglib2.0-0 libpcre2-8-0 libdbus-1-3 libsystemd0 libudev1 libndp0 libnewt0.52 libslang2 libjansson4 libmm-glib0
  libteamdctl0 libbluetooth3 libcurl3-gnutls libgnutls30 libnettle8 libhogweed6 libgmp10 libp11-kit0 libtasn1-6 libunistring2 libidn2-0 libpsl5
  libnghttp2-14 librtmp1 libssh2-1 libldap-2.5-0 libsasl2-2 libgssapi-krb5-2 libkrb5-3 libk5crypto3 libkrb5support0 libkeyutils1 libcom-err2
  libbrotli1 libzstd1 libssl3 zlib1g libffi8 libreadline8 libtinfo6 libaudit1 libcap-ng0 libcap2 libexpat1 libapparmor1 libselinux1 liblz4-1
  liblzma5 libgcrypt20 libgpg-error0 libmount1 libblkid1 libuuid1"
AT=$CACHE/networkmanager-$SUITE-1
if [ ! -d "$AT" ]; then
  lock networkmanager
  from $SUITE
  unpack "$AT" $PACKAGES
  exec 9>&-
fi
[ "$1" != --fetch ] || exit 0

# Each command's namespaces are made outside `sh`, so that a signal to this process ends them. /sys is read-only: NetworkManager then
# does not wait for udev, whose rules in Debian would hide every veth from it. Without a DHCP server it gives up soon.
export AT NM_CONF="${NM_CONF:-}" LD_LIBRARY_PATH="$AT/usr/lib/x86_64-linux-gnu:$AT/lib/x86_64-linux-gnu" PATH="$PATH:/usr/sbin:/sbin:$AT/usr/bin:$AT/usr/sbin"
# shellcheck disable=SC2016 # for the inner shell
exec unshare --mount --net --pid --fork --kill-child=KILL --mount-proc --propagation private sh -euc '
  mount -t sysfs -o ro sysfs /sys
  mkdir -p /etc/NetworkManager /var/lib/NetworkManager
  for folder in /run /etc/NetworkManager /var/lib/NetworkManager; do mount -t tmpfs -o mode=755 tmpfs $folder; done
  mkdir -p /run/dbus /run/NetworkManager /run/netns /etc/NetworkManager/conf.d
  printf "[main]\nplugins=keyfile\n[connection]\nipv4.dhcp-timeout=3\nipv6.ra-timeout=2\n" >/etc/NetworkManager/NetworkManager.conf
  [ -z "$NM_CONF" ] || printf "%s\n" "$NM_CONF" >/etc/NetworkManager/conf.d/spidernet.conf
  printf "%s\n" "<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><policy context=\"default\">" \
    "<allow user=\"*\"/><allow own=\"*\"/><allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/></policy></busconfig>" >/run/dbus/conf
  ip link set lo up
  dbus-daemon --config-file=/run/dbus/conf --fork --nopidfile
  NetworkManager --debug --log-level=INFO >/run/NetworkManager.log 2>&1 &
  until nmcli -t general >/dev/null 2>&1; do
    kill -0 $! 2>/dev/null || { cat /run/NetworkManager.log >&2; exit 125; }
    sleep 0.1
  done
  exec "$@"' sh "$@"
