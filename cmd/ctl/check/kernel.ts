// What the kernel of this node has of pods: addresses in network namespaces, routes, neighbours,
// rules and veths. Reads only, but for the steps of a repair.
import { readdirSync } from 'node:fs'
import type { NodeKernel } from '../../../lib/check/state.js'
import { messageOf } from '../../../lib/errors.js'
import { familyOf, type Ip } from '../../../lib/ip/address.js'
import { parsePrefix } from '../../../lib/ip/cidr.js'
import { openKernel, type Kernel } from '../../../lib/kernel/kernel.js'
import type { NetnsState, ObservedLink } from '../../../lib/plan/state.js'
import type { Rule, Step } from '../../../lib/plan/step.js'

/** Where container runtimes and iproute2 keep the network namespaces of a node. */
const NETNS_DIR = '/run/netns'
/** As hostVethName() of the coordinator plugin makes it: eleven characters of a container ID. */
const VETH = /^veth[0-9a-f]{11}$/

/** Names of the network namespaces of this node. */
export function netnsNames(): readonly string[] {
  try {
    return readdirSync(NETNS_DIR)
  } catch {
    return [] // no container has run here
  }
}

function withKernel<T>(netns: string, work: (kernel: Kernel) => T): T {
  const kernel = openKernel(netns)
  try {
    return work(kernel)
  } finally {
    kernel.close()
  }
}

/** Links and addresses of a namespace, or a sentence why it cannot be read. */
export function netnsState(name: string): NetnsState | string {
  try {
    const query = { links: 'all', addressesOn: 'all' } as const
    return withKernel(`${NETNS_DIR}/${name}`, kernel => kernel.observe({ pod: query }).pod)
  } catch (error) {
    return messageOf(error)
  }
}

const globalIps = ({ addresses }: NetnsState): readonly Ip[] =>
  addresses.filter(({ scope }) => scope === 0).map(({ address }) => address.ip)

/**
 * The kernel of this node; `table` is that of the coordinator plugin.
 * @throws NetlinkError, SystemError
 */
export function readKernel(node: string, table: number): NodeKernel {
  const inside = netnsNames().flatMap(name => {
    const state = netnsState(name)
    return typeof state === 'string' ? [] : [[name, state] as const]
  })
  const own = withKernel('', kernel =>
    kernel.observe({ node: { links: 'all', routes: { table }, rules: true, neighsOn: 'all' } }),
  ).node
  const peers = new Set(inside.flatMap(([, { links }]) => links.filter(isPeer).map(({ parent }) => parent)))
  return {
    ...{ node, table },
    namespaces: Object.fromEntries(inside.map(([name, state]) => [name, globalIps(state)])),
    routes: routesTo(own, table),
    neighs: neighsOf(own),
    rules: rulesOf(own, table),
    veths: own.links.flatMap(link => (VETH.test(link.name) && !peers.has(link.index) ? [vethOf(link)] : [])),
  }
}

const isPeer = ({ kind, parentElsewhere }: ObservedLink): boolean => kind === 'veth' && parentElsewhere

const vethOf = ({ name, parentElsewhere }: ObservedLink): NodeKernel['veths'][number] => ({
  name,
  ...(!parentElsewhere && { step: { verb: 'removeLink', where: 'node', name } as const }),
})

/** Routes to one host. */
function routesTo({ routes }: NetnsState, table: number): NodeKernel['routes'] {
  return routes.flatMap(route => {
    const prefix = parsePrefix(route.dst)
    if (!prefix || route.table !== table || route.dev === undefined || prefix.length !== hostLength(prefix.ip))
      return []
    return [{ ip: prefix.ip, dev: route.dev, step: { verb: 'removeRoute', where: 'node', route } as const }]
  })
}

const hostLength = (ip: Ip): number => (familyOf(ip) === 4 ? 32 : 128)

const neighsOf = ({ neighs }: NetnsState): NodeKernel['neighs'] =>
  neighs.flatMap(({ dev, ip, mac, permanent }) =>
    permanent && VETH.test(dev)
      ? [{ ip, dev, step: { verb: 'removeNeigh', where: 'node', name: dev, ip, mac } as const }]
      : [],
  )

/** Rules for the table, of a family that has no route in it. */
const rulesOf = ({ rules, routes }: NetnsState, table: number): NodeKernel['rules'] =>
  rules
    .filter(rule => rule.table === table && rule.more !== true)
    .filter(rule => !routes.some(({ dst, table: of }) => of === table && (dst.includes(':') ? 6 : 4) === rule.family))
    .map(rule => ({ text: textOf(rule), step: { verb: 'removeRule', where: 'node', rule } as const }))

const textOf = ({ priority = 0, from, to, table }: Rule): string =>
  `${priority}: from ${from ?? 'all'}${to === undefined ? '' : ` to ${to}`} lookup ${table}`

/** Applies a step on this node. */
export const applyOnNode = (step: Step): void => withKernel('', kernel => kernel.apply(step))
