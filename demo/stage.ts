// The demo's network: two nodes on a switch that is their gateway, an outside host, pod sandboxes.
import { inside, must, run } from './external-host.js'

export const NODES = ['worker-1', 'worker-2'] as const
export const OUTSIDE = 'outside'
export const SWITCH = 'switch'

export type Family = 4 | 6
export const FAMILIES: readonly Family[] = [4, 6]

/** Where the nodes' eth0 is plugged in, and their eth1. */
export const NETWORKS = [
  {
    bridge: 'br0',
    nic: 'eth0',
    subnet: { 4: '172.18.0.0/16', 6: 'fd18::/64' },
    gateway: { 4: '172.18.0.1', 6: 'fd18::1' },
  },
  {
    bridge: 'br1',
    nic: 'eth1',
    subnet: { 4: '172.19.0.0/16', 6: 'fd19::/64' },
    gateway: { 4: '172.19.0.1', 6: 'fd19::1' },
  },
] as const
const [first, second] = NETWORKS

/** Addresses that the story asks for by name. */
export const ADDRESS: Readonly<Record<string, Readonly<Record<Family, string>>>> = {
  'worker-1': { 4: '172.18.0.11', 6: 'fd18::11' },
  'worker-2': { 4: '172.18.0.12', 6: 'fd18::12' },
  outside: { 4: '198.51.100.10', 6: '2001:db8:51::10' },
}
const OUTER_GATEWAY = { 4: '198.51.100.1', 6: '2001:db8:51::1' }

export const addressOf = (netnsName: string, family: Family): string => ADDRESS[netnsName]?.[family] ?? ''

/** What the node agent sets (`tuneSysctlConfig`): forwarding on, rp_filter off. */
const NODE_SYSCTLS =
  'echo 1 >/proc/sys/net/ipv4/conf/all/forwarding; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding; for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done'

/**
 * The gateway forwards, and drops packets from a source on the wrong interface: a reply on the
 * wrong interface is lost.
 */
const SWITCH_SYSCTLS = 'echo 1 >/proc/sys/net/ipv4/conf/all/forwarding; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
const SWITCH_RULES = `table inet gateway {
  chain prerouting {
    type filter hook prerouting priority 0; policy accept;
    ip6 daddr { ff00::/8, fe80::/10 } accept
    ip6 saddr { ::, fe80::/10 } accept
    fib saddr . iif oif missing counter drop
  }
}`

export async function sh(netnsName: string, script: string): Promise<string> {
  const { status, stdout, stderr } = await run('nsenter', [`--net=/run/netns/${netnsName}`, 'sh', '-c', script])
  if (status !== 0) throw new Error(`${script} in ${netnsName}: ${stderr.trim()}`)
  return stdout
}

/** Lines for `ip -batch`. */
async function ip(netnsName: string, lines: readonly string[]): Promise<void> {
  const { status, stderr } = await run('nsenter', [`--net=/run/netns/${netnsName}`, 'ip', '-batch', '-'], {
    stdin: lines.join('\n'),
  })
  if (status !== 0) throw new Error(`ip in ${netnsName}: ${stderr.trim()}`)
}

export async function nft(netnsName: string, rules: string): Promise<void> {
  const { status, stderr } = await run('nsenter', [`--net=/run/netns/${netnsName}`, 'nft', '-f', '-'], { stdin: rules })
  if (status !== 0) throw new Error(`nft in ${netnsName}: ${stderr.trim()}`)
}

/** Builds all but the pods. The first node is the namespace we run in. */
export async function build(): Promise<void> {
  await must(`ip netns attach ${NODES[0]} ${process.pid}`)
  for (const netnsName of [NODES[1], SWITCH, OUTSIDE]) await must(`ip netns add ${netnsName}`)
  await ip(SWITCH, [
    'link set lo up',
    ...NETWORKS.flatMap(({ bridge, gateway }) => [
      `link add ${bridge} type bridge`,
      `link set ${bridge} up`,
      `addr add ${gateway[4]}/16 dev ${bridge}`,
      `addr add ${gateway[6]}/64 dev ${bridge} nodad`,
    ]),
    `link add wan type veth peer name eth0 netns ${OUTSIDE}`,
    'link set wan up',
    `addr add ${OUTER_GATEWAY[4]}/24 dev wan`,
    `addr add ${OUTER_GATEWAY[6]}/64 dev wan nodad`,
    ...NODES.flatMap((node, at) =>
      NETWORKS.flatMap(({ bridge, nic }) => [
        `link add ${nic}-${at + 1} type veth peer name ${nic} netns ${node}`,
        `link set ${nic}-${at + 1} master ${bridge} up`,
      ]),
    ),
  ])
  await Promise.all([
    sh(SWITCH, SWITCH_SYSCTLS),
    nft(SWITCH, SWITCH_RULES),
    ip(OUTSIDE, host(OUTSIDE, { nic: 'eth0', lengths: { 4: 24, 6: 64 }, gateway: OUTER_GATEWAY })),
    ...NODES.map(async node => {
      await ip(node, [
        ...host(node, { nic: first.nic, lengths: { 4: 16, 6: 64 }, gateway: first.gateway }),
        `link set ${second.nic} up`,
      ])
      await sh(node, NODE_SYSCTLS)
    }),
  ])
}

const host = (
  netnsName: string,
  {
    nic,
    lengths,
    gateway,
  }: { nic: string; lengths: Record<Family, number>; gateway: Readonly<Record<Family, string>> },
): readonly string[] => [
  'link set lo up',
  `link set ${nic} up`,
  `addr add ${addressOf(netnsName, 4)}/${lengths[4]} dev ${nic}`,
  `addr add ${addressOf(netnsName, 6)}/${lengths[6]} dev ${nic} nodad`,
  `route add default via ${gateway[4]}`,
  `route add ::/0 via ${gateway[6]}`,
]

/** Creates a pod's sandbox as a container runtime does: an empty namespace. Returns its path. */
export async function sandbox(pod: string): Promise<string> {
  await must(`ip netns add ${pod}`)
  await must(`${inside(pod)} ip link set lo up`)
  return `/run/netns/${pod}`
}

/** One echo request, answered; what ping says of it if not. */
export async function ping(from: string, to: string): Promise<void> {
  await must(`${inside(from)} ping -c 1 -W 2 ${to}`)
}
