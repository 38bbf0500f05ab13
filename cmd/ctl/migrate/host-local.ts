// host-local: its files, one an address, and the confs of its networks.
import { familyOf, fromBigint, parseIp, toBigint, type Ip } from '../../../lib/ip/address.js'
import { intervalOfPrefix, networkOf, parsePrefix } from '../../../lib/ip/cidr.js'
import { union, type Ranges } from '../../../lib/ip/range.js'
import { usableIn } from '../../../lib/ip/usable.js'
import {
  ipamsIn,
  jsonIn,
  listIn,
  objectName,
  textIn,
  type ForeignAllocation,
  type ForeignPool,
  type ForeignState,
} from './foreign.js'

/** A file of the data directory. */
export interface HostLocalFile {
  readonly network: string
  /** The address; or `lock`, or `last_reserved_ip.0`. */
  readonly name: string
  /** Container ID, a line end, and the interface. */
  readonly text: string
}

export interface HostLocalFiles {
  readonly files: readonly HostLocalFile[]
  /** Texts of confs, of files and of NetworkAttachmentDefinitions. */
  readonly configs: readonly string[]
}

/** Of Windows, which has no colons in names of files: host-local writes underscores. */
const addressIn = (name: string): Ip | undefined => parseIp(name) ?? parseIp(name.replaceAll('_', ':'))

/** The state of host-local on this node; `pods` finds a pod by its address. */
export function hostLocalState(
  { files, configs }: HostLocalFiles,
  podWith: (ip: Ip) => ForeignAllocation['pod'],
): ForeignState {
  const ipams = configs.flatMap(text => ipamsIn(jsonIn(text), 'host-local'))
  const networks = [...new Set(files.map(({ network }) => network))]
  const pools: ForeignPool[] = []
  const faults: string[] = []
  const migrated: string[] = []
  for (const network of networks) {
    const own = ipams.filter(one => one.network === network).flatMap(({ ipam }) => poolsIn(network, ipam))
    if (own.length === 0)
      faults.push(
        `network ${network}: no conf has its name and ipam.type host-local with a subnet; its files are left out`,
      )
    else migrated.push(network)
    pools.push(...merged(own))
  }
  const allocations = files.flatMap(({ network, name, text }): readonly ForeignAllocation[] => {
    const ip = addressIn(name)
    if (ip === undefined || !migrated.includes(network)) return []
    const [containerID = '', nic = ''] = text.trim().split(/\r?\n/)
    return [{ ip, from: `file ${network}/${name}`, pod: podWith(ip), nic, containerID }]
  })
  return { pools, allocations, faults }
}

/** `ranges` is a list of range sets; the older form has one range in the conf itself. */
function poolsIn(network: string, ipam: unknown): readonly ForeignPool[] {
  const sets = listIn(ipam, 'ranges').flatMap(set => (Array.isArray(set) ? (set as readonly unknown[]) : [set]))
  return [ipam, ...sets].flatMap((range): readonly ForeignPool[] => {
    const subnet = parsePrefix(textIn(range, 'subnet'))
    if (!subnet) return []
    const family = familyOf(subnet.ip)
    const whole = intervalOfPrefix(subnet)
    // host-local takes the first address for the gateway, unless the conf names another.
    const gateway = parseIp(textIn(range, 'gateway')) ?? fromBigint(whole.first + 1n, family)
    const bound = (key: string): bigint | undefined => {
      const ip = parseIp(textIn(range, key))
      return ip === undefined ? undefined : toBigint(ip)
    }
    const interval = { first: bound('rangeStart') ?? whole.first, last: bound('rangeEnd') ?? whole.last }
    const canonical = parsePrefix(networkOf(subnet)) ?? subnet
    const ranges = interval.first > interval.last ? [] : usableIn([interval], family, { subnet: canonical, gateway })
    const name = objectName(`host-local-${network}-${canonical.ip}-${canonical.length}`.replaceAll(':', '-'))
    return [{ name, from: `network ${network}`, family, subnet: canonical, ranges, gateway }]
  })
}

/** One pool a name: a conf may be in a file and in a NetworkAttachmentDefinition. */
function merged(pools: readonly ForeignPool[]): readonly ForeignPool[] {
  const byName = new Map<string, ForeignPool>()
  for (const pool of pools) {
    const before = byName.get(pool.name)
    const ranges: Ranges = before ? union(before.ranges, pool.ranges) : pool.ranges
    byName.set(pool.name, { ...pool, ranges, gateway: before?.gateway ?? pool.gateway })
  }
  return [...byName.values()]
}
