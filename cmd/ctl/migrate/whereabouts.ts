// Whereabouts: its IPPools, its OverlappingRangeIPReservations and the confs of its networks.
import type { ObjectMeta } from '../../../lib/crd/types.js'
import { familyOf, fromBigint, parseIp, toBigint, type Ip } from '../../../lib/ip/address.js'
import { intervalOfPrefix, networkOf, parsePrefix, type Prefix } from '../../../lib/ip/cidr.js'
import { includes, normal, readRange, subtract, union, type Ranges } from '../../../lib/ip/range.js'
import { usableIn } from '../../../lib/ip/usable.js'
import type { Kind } from '../../../lib/kube/kinds.js'
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

const GROUP = { group: 'whereabouts.cni.cncf.io', version: 'v1alpha1', namespaced: true } as const
export const WHEREABOUTS_POOLS: Kind = { ...GROUP, kind: 'IPPool', plural: 'ippools' }
export const WHEREABOUTS_RESERVATIONS: Kind = {
  ...GROUP,
  kind: 'OverlappingRangeIPReservation',
  plural: 'overlappingrangeipreservations',
}

export interface WhereaboutsPool {
  readonly metadata: ObjectMeta
  readonly spec: {
    readonly range: string
    /** By offset from the address of `range`. */
    readonly allocations?: Readonly<Record<string, WhereaboutsAllocation>>
  }
}

interface WhereaboutsAllocation {
  readonly id?: string
  readonly podref?: string
  readonly ifname?: string
}

export interface WhereaboutsReservation {
  readonly metadata: ObjectMeta
  readonly spec: { readonly containerid?: string; readonly podref?: string; readonly ifname?: string }
}

export interface WhereaboutsObjects {
  readonly pools: readonly WhereaboutsPool[]
  readonly reservations: readonly WhereaboutsReservation[]
  /** spec.config of NetworkAttachmentDefinitions. */
  readonly configs: readonly string[]
}

/** `namespace/name`; older releases wrote the bare name. */
function podOf(podref = ''): ForeignAllocation['pod'] {
  const [namespace = '', name = '', ...more] = podref.split('/')
  return namespace !== '' && name !== '' && more.length === 0 ? { namespace, name } : undefined
}

/** The state of Whereabouts. */
export function whereaboutsState({ pools, reservations, configs }: WhereaboutsObjects): ForeignState {
  const faults: string[] = []
  const confs = configs.flatMap(text => ipamsIn(jsonIn(text), 'whereabouts').flatMap(({ ipam }) => rangesIn(ipam)))
  const found: ForeignPool[] = []
  const allocations: ForeignAllocation[] = []
  for (const pool of pools) {
    const from = `IPPool ${pool.metadata.namespace ?? ''}/${pool.metadata.name}`
    const base = parsePrefix(pool.spec.range)
    if (!base) faults.push(`${from}: spec.range "${pool.spec.range}" is not a CIDR`)
    else {
      found.push(poolOf(pool, { base, confs, from }))
      for (const [offset, of] of Object.entries(pool.spec.allocations ?? {})) {
        const ip = addressAt(base, offset)
        if (ip === undefined) faults.push(`${from}: spec.allocations has "${offset}", which is no offset in its range`)
        else allocations.push({ ip, from, pod: podOf(of.podref), nic: of.ifname ?? '', containerID: of.id ?? '' })
      }
    }
  }
  const known = new Set(allocations.map(({ ip }) => ip))
  for (const { metadata, spec } of reservations) {
    const from = `OverlappingRangeIPReservation ${metadata.namespace ?? ''}/${metadata.name}`
    const ip = addressNamed(metadata.name, known, found)
    if (ip === undefined) faults.push(`${from}: its name has no IP address`)
    else if (!known.has(ip)) {
      known.add(ip)
      allocations.push({
        ...{ ip, from, pod: podOf(spec.podref) },
        ...{ nic: spec.ifname ?? '', containerID: spec.containerid ?? '' },
      })
    }
  }
  return { pools: found, allocations, faults }
}

/** Offsets count from the address in the text of the range, which need not be the network. */
function addressAt(base: Prefix, offset: string): Ip | undefined {
  if (!/^\d+$/.test(offset)) return undefined
  const value = toBigint(base.ip) + BigInt(offset)
  return includes([intervalOfPrefix(base)], value) ? fromBigint(value, familyOf(base.ip)) : undefined
}

interface ConfRange {
  readonly range: Prefix
  readonly networkName: string
  readonly addresses: Ranges
  readonly gateway: Ip | undefined
}

/** The ranges of an IPAM conf: its own, and those of `ipRanges`. */
function rangesIn(ipam: unknown): readonly ConfRange[] {
  const gateway = parseIp(textIn(ipam, 'gateway'))
  const networkName = textIn(ipam, 'network_name')
  return [ipam, ...listIn(ipam, 'ipRanges')].flatMap(one => rangeOf(one, { gateway, networkName }))
}

function rangeOf(one: unknown, of: Pick<ConfRange, 'gateway' | 'networkName'>): readonly ConfRange[] {
  // `range` is a CIDR, or first-last/length.
  const text = textIn(one, 'range')
  const [first = '', last = ''] = text.includes('-') ? text.replace(/\/\d+$/, '').split('-') : ['', '']
  const range = parsePrefix(first === '' ? text : `${first}/${text.split('/').at(-1) ?? ''}`)
  if (!range) return []
  const family = familyOf(range.ip)
  const whole = intervalOfPrefix(range)
  const bound = (name: string, otherwise: string): bigint | undefined => {
    const ip = parseIp(textIn(one, name) || otherwise)
    return ip !== undefined && familyOf(ip) === family ? toBigint(ip) : undefined
  }
  const from = bound('range_start', first) ?? whole.first
  const to = bound('range_end', last) ?? whole.last
  const excluded = listIn(one, 'exclude').flatMap(item => excludedBy(String(item), family))
  const addresses = from > to ? [] : subtract([{ first: from, last: to }], normal(excluded))
  return [{ range, addresses, ...of }]
}

function excludedBy(text: string, family: 4 | 6): Ranges {
  const prefix = text.includes('/') ? parsePrefix(text) : undefined
  if (prefix) return familyOf(prefix.ip) === family ? [intervalOfPrefix(prefix)] : []
  const range = readRange(text, family)
  return typeof range === 'string' ? [] : [range]
}

interface PoolParts {
  readonly base: Prefix
  readonly confs: readonly ConfRange[]
  readonly from: string
}

function poolOf({ metadata }: WhereaboutsPool, { base, confs, from }: PoolParts): ForeignPool {
  const family = familyOf(base.ip)
  const subnet = parsePrefix(networkOf(base)) ?? base
  const own = confs.filter(
    ({ range, networkName }) =>
      networkOf(range) === networkOf(base) && (networkName === '' || metadata.name.startsWith(`${networkName}-`)),
  )
  const gateway = own.map(one => one.gateway).find(ip => ip !== undefined && familyOf(ip) === family)
  const named = own.reduce<Ranges>((all, { addresses }) => union(all, addresses), [])
  const ranges = usableIn(own.length === 0 ? [intervalOfPrefix(base)] : named, family, { subnet, gateway })
  return { name: objectName(`whereabouts-${metadata.name}`), from, family, subnet, ranges, gateway }
}

/**
 * The address in a reservation's name: with the network's name before it, and hyphens for the
 * colons of IPv6. Of several readings the one that is allocated, or in a pool.
 */
function addressNamed(name: string, known: ReadonlySet<Ip>, pools: readonly ForeignPool[]): Ip | undefined {
  const starts = [0, ...[...name.matchAll(/-/g)].map(({ index }) => index + 1)]
  const readings = starts.flatMap(start => {
    const text = name.slice(start)
    return parseIp(text) ?? parseIp(text.replaceAll('-', ':')) ?? []
  })
  const isInPool = (ip: Ip): boolean =>
    pools.some(({ family, subnet }) => family === familyOf(ip) && includes([intervalOfPrefix(subnet)], toBigint(ip)))
  return readings.find(ip => known.has(ip)) ?? readings.find(isInPool) ?? readings[0]
}
