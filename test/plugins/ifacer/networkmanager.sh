#!/bin/bash
# Runs beside a NetworkManager (scripts/networkmanager.sh), as `networkmanager.sh BIN UNTIL`: links of ours are made; what became of them when
# the command UNTIL succeeds is printed, a JSON object, and what is said of them once NetworkManager was stopped. Asserts nothing.
set -euo pipefail
BIN=$1 UNTIL=$2
LOG=/run/ifacer.log
export SPIDERPOOL_NODE_CONFIG=/run/ifacer-node.json
echo '{"logFolders":["/run"]}' >"$SPIDERPOOL_NODE_CONFIG"
VLAN='"interfaces":["eth1"],"vlanID":100'
BOND='"interfaces":["eth2","eth3"],"vlanID":200,"bond":{"name":"bond9","mode":1,"options":"miimon=100"}'

ifacer() { # VERB CONF
  CNI_COMMAND=$1 CNI_CONTAINERID=c CNI_NETNS=/run/netns/none CNI_IFNAME=net1 CNI_PATH=/ "$BIN/ifacer" \
    <<<"{\"cniVersion\":\"1.1.0\",\"name\":\"net\",\"type\":\"ifacer\",$2,\"logOptions\":{\"logFile\":\"$LOG\"}}"
}

ip -batch - <<'END'
link add eth1 up type veth peer name port1
link add eth2 up type veth peer name port2
link add eth3 up type veth peer name port3
link set port1 up
link set port2 up
link set port3 up
END
ifacer ADD "$VLAN" >/dev/null
ifacer ADD "$BOND" >/dev/null
ip -batch - <<'END'
link add vethcafe type veth peer name vethpeer
link set vethcafe up
link set vethpeer up
link add net1 link eth1 type macvlan mode bridge
link set net1 up
address add 10.1.1.1/24 dev vethcafe
address add 10.1.2.1/24 dev bond9.200
END
links() { ip -d -j address; }
before=$(links)
until eval "$UNTIL"; do sleep 0.2; done
sleep 1
after=$(links)
vlan=$(ifacer STATUS "$VLAN")
status=$(ifacer STATUS "$BOND")
warned=$(grep '"level":"WARN"' "$LOG" || true)
devices=$(nmcli -t -f DEVICE,STATE device | paste -sd' ' | tr -d '\\')
kill "$(pidof NetworkManager)" # its files outlive it
while pidof NetworkManager >/dev/null; do sleep 0.1; done
left=$(grep -l '^managed=true' /run/NetworkManager/devices/* | wc -l)
stopped=$(ifacer STATUS "$BOND")
printf '{"before":%s,"after":%s,"vlan":%s,"bond":%s,"warned":[%s],"devices":"%s","left":%s,"stopped":%s}\n' "$before" "$after" "${vlan:-null}" "${status:-null}" \
  "$(paste -sd, <<<"$warned")" "$devices" "$left" "${stopped:-null}"
