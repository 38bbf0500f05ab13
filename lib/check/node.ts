// Differences between the cluster and the kernel of one node. Pure.
import { familyOf, toBigint, type Ip } from '../ip/address.js'
import { familyOfSpec } from '../crd/addressing.js'
import { includes } from '../ip/range.js'
import { isOfContainer } from '../ipam/allocation/standalone-identity.js'
import { isQuarantined } from '../ipam/allocation/conflict-quarantine.js'
import { isAlive, isOfPod } from '../ipam/store/pod.js'
import { holderKey, ipOf } from './claim.js'
import type { DifferenceName } from './kinds.js'
import { versionOf, type CheckDifference, type Lookup, type NodeKernel } from './state.js'

/** Every difference of the node that the kernel's state was read on. */
export function nodeDifferences(kernel: NodeKernel, at: Lookup): readonly CheckDifference[] {
  const { node, namespaces, routes, neighs, rules, veths } = kernel
  const of = (kind: DifferenceName, what: string, more: Partial<CheckDifference> = {}): CheckDifference => ({
    ...{ kind, what, object: `node/${node}`, reads: {}, seen: what },
    ...more,
  })
  const where = new Map<Ip, string[]>()
  for (const [name, ips] of Object.entries(namespaces))
    for (const ip of ips) where.set(ip, [...(where.get(ip) ?? []), name])
  const isOurs = (ip: Ip): boolean => at.address(ip) !== undefined || isInPool(ip, at)
  const stale = (ip: Ip): boolean => isOurs(ip) && !where.has(ip)
  return [
    ...missing(kernel, where, of, at),
    ...[...where].flatMap(([ip, names]) =>
      names.length > 1 && isOurs(ip) ? [of('node-twice', `${ip} is in namespaces ${names.join(' and ')}`)] : [],
    ),
    ...[...where.keys()].flatMap(ip =>
      isInPool(ip, at) && !at.address(ip)
        ? [of('node-unheld', `namespace ${where.get(ip)?.[0] ?? ''} has ${ip}, and no SpiderIPAddress holds it`)]
        : [],
    ),
    ...routes.flatMap(({ ip, dev, step }) =>
      stale(ip)
        ? [
            of('node-route', `a route of table ${kernel.table} leads to ${ip} by ${dev}, and no pod here has it`, {
              repair: { verb: 'applyStep', step },
            }),
          ]
        : [],
    ),
    ...neighs.flatMap(({ ip, dev, step }) =>
      stale(ip)
        ? [
            of('node-neigh', `a permanent neighbour ${ip} is on ${dev}, and no pod here has it`, {
              repair: { verb: 'applyStep', step },
            }),
          ]
        : [],
    ),
    ...rules.map(({ text, step }) =>
      of('node-rule', `rule "${text}" is there, and the table has no route`, { repair: { verb: 'applyStep', step } }),
    ),
    ...veths.map(({ name, step }) =>
      of('node-veth', `the other end of ${name} is in no network namespace of this node`, {
        ...(step && { repair: { verb: 'applyStep', step } }),
      }),
    ),
  ]
}

const isInPool = (ip: Ip, at: Lookup): boolean =>
  at.state.pools.some(
    pool => familyOfSpec(pool.spec) === familyOf(ip) && includes(at.rangesOf(pool).named, toBigint(ip)),
  )

/** Addresses of running pods of the node that no namespace has, and hosts without a route. */
function missing(
  { node, routes, namespaces, table }: NodeKernel,
  where: ReadonlyMap<Ip, readonly string[]>,
  of: (kind: DifferenceName, what: string, more?: Partial<CheckDifference>) => CheckDifference,
  at: Lookup,
): readonly CheckDifference[] {
  const routed = new Set<string>(routes.map(({ ip }) => ip))
  const withVeth = new Set(Object.entries(namespaces).flatMap(([, ips]) => (ips.some(ip => routed.has(ip)) ? ips : [])))
  return at.state.addresses.flatMap(object => {
    const ip = ipOf(object)
    const pod = at.pod(holderKey(object))
    const isHere = object.spec.node === node && !isQuarantined(object) && !isOfContainer(object.spec)
    if (ip === undefined || !isHere || !pod || !isOfPod(object.spec.pod.uid, pod)) return []
    const isRunning = pod.status?.phase === 'Running' && (pod.status.podIPs ?? []).length > 0 && isAlive(pod)
    if (!isRunning) return []
    const seen = versionOf(object, pod)
    if (!where.has(ip))
      return [of('node-missing', `no network namespace has ${ip} of pod ${holderKey(object)}`, { seen })]
    // A pod none of whose addresses is routed has no coordinator plugin in its chain.
    if (withVeth.has(ip) && !routed.has(ip))
      return [of('node-route-missing', `table ${table} has no route to ${ip} of pod ${holderKey(object)}`, { seen })]
    return []
  })
}
