// Who has an address, and why an address has no holder. Pure.
import { effectiveOf, familyOfSpec } from '../../../lib/crd/addressing.js'
import { ANNOTATION_CONFLICT_SINCE, ANNOTATION_MULTUS_STATUS, LABEL_CONFLICT } from '../../../lib/crd/names.js'
import { readable } from '../../../lib/crd/ranges.js'
import type {
  Event,
  ObjectMeta,
  SpiderEndpoint,
  SpiderIPAddress,
  SpiderIPPool,
  SpiderReservedIP,
} from '../../../lib/crd/types.js'
import { familyOf, parseIp, toBigint, type Ip } from '../../../lib/ip/address.js'
import { containsIp, networkOf, parsePrefix } from '../../../lib/ip/cidr.js'
import { parseMac, type Mac } from '../../../lib/ip/mac.js'
import { includes } from '../../../lib/ip/range.js'
import { whyUnusable } from '../../../lib/ip/usable.js'
import { recordAt, sharedOf } from '../../../lib/ipam/allocation/go-records.js'
import { isQuarantined } from '../../../lib/ipam/allocation/conflict-quarantine.js'

/** One address and its holder; '' where there is none. */
export interface AddressRow {
  readonly address: string
  readonly state: 'held' | 'kept' | 'quarantined' | 'recorded' | 'reserved' | 'excluded' | 'free' | 'unknown'
  readonly namespace: string
  readonly pod: string
  readonly podUid: string
  readonly owner: string
  readonly node: string
  readonly pool: string
  readonly nic: string
  readonly mac: string
  /** RFC 3339; '' where it is not known. */
  readonly since: string
  /** Why there is no holder. */
  readonly why: string
}

const NO_HOLDER = { namespace: '', pod: '', podUid: '', owner: '', node: '', nic: '', mac: '', since: '' } as const

/** The row of an address object; `mac` where it is known. */
export function rowOf(object: SpiderIPAddress, mac: string): AddressRow {
  const { metadata, spec } = object
  const { pod, owner, nic, pool, node } = spec
  const address = parsePrefix(spec.address)?.ip ?? spec.address
  if (isQuarantined(object)) {
    const other = metadata.labels?.[LABEL_CONFLICT]?.replaceAll('-', ':') ?? ''
    const since = metadata.annotations?.[ANNOTATION_CONFLICT_SINCE] ?? ''
    const why = `another host on the network, MAC address ${other}, answered for it`
    return { ...NO_HOLDER, address, state: 'quarantined', pool, node, mac: other, since, why }
  }
  return {
    address,
    // Between two sandboxes of a pod, or between two pods of a StatefulSet.
    state: spec.containerID === '' ? 'kept' : 'held',
    namespace: pod.namespace,
    pod: pod.name,
    podUid: pod.uid,
    owner: owner.kind === '' ? '' : `${owner.kind}/${owner.name}`,
    ...{ node, pool, nic, mac },
    since: metadata.creationTimestamp ?? '',
    why: '',
  }
}

/** One interface of Multus' network-status annotation. */
interface StatusNic {
  readonly interface: string
  readonly mac: string
  readonly ips: readonly string[]
}

/** The interfaces with their MAC addresses, as Multus wrote them; none where it is not readable. */
export function statusNics({ annotations = {} }: ObjectMeta): readonly StatusNic[] {
  try {
    const value: unknown = JSON.parse(annotations[ANNOTATION_MULTUS_STATUS] ?? '[]')
    return (Array.isArray(value) ? (value as unknown[]) : []).flatMap(item => {
      const { interface: nic = 'eth0', mac = '', ips = [] } = (item ?? {}) as Partial<StatusNic>
      return typeof mac === 'string' && Array.isArray(ips) ? [{ interface: nic, mac, ips }] : []
    })
  } catch {
    return [] // not JSON: another program wrote it
  }
}

/** The MAC address of an interface: of the record, else of Multus' annotation; '' if unknown. */
export function macOf(nic: string, record: SpiderEndpoint | undefined, pod: ObjectMeta | undefined): string {
  const recorded = record?.status.current.ips.find(one => one.interface === nic)?.mac ?? ''
  return recorded || (pod ? (statusNics(pod).find(one => one.interface === nic)?.mac ?? '') : '')
}

/** True where Multus wrote that an interface of the pod has this MAC address. */
export const hasMac = (pod: ObjectMeta, mac: Mac): boolean => statusNics(pod).some(nic => parseMac(nic.mac) === mac)

export interface Declared {
  readonly pools: readonly SpiderIPPool[]
  readonly reserved: readonly SpiderReservedIP[]
}

/** Why no SpiderIPAddress has the name of `ip`: a row for each pool that has to do with it. */
export function unheld(ip: Ip, { pools, reserved }: Declared): readonly AddressRow[] {
  const family = familyOf(ip)
  const value = toBigint(ip)
  const inSubnet = pools.filter(({ spec }) => {
    const prefix = parsePrefix(spec.subnet)
    return prefix !== undefined && familyOf(prefix.ip) === family && containsIp(networkOf(prefix), ip)
  })
  const named = inSubnet.filter(({ spec }) => includes(readable(spec.ips, family), value))
  if (named.length > 0) return named.map(pool => ofPool(ip, pool, reserved))
  const by = reservedBy(ip, reserved)
  if (by !== undefined) return [{ ...NO_HOLDER, address: ip, state: 'reserved', pool: '', why: by }]
  const routed = inSubnet.filter(({ spec }) => parseIp(spec.gateway ?? '') === ip)
  if (routed.length > 0) {
    const why = `it is the gateway of ${routed.map(({ metadata }) => metadata.name).join(', ')}`
    return [{ ...NO_HOLDER, address: ip, state: 'excluded', pool: '', why }]
  }
  const subnets = [...new Set(inSubnet.map(({ spec }) => spec.subnet))]
  const why =
    subnets.length === 0
      ? 'it is in no pool, and in no subnet of a pool'
      : `it is in no pool; its subnet ${subnets.join(', ')} has ${inSubnet.map(({ metadata }) => metadata.name).join(', ')}`
  return [{ ...NO_HOLDER, address: ip, state: 'unknown', pool: '', why }]
}

const reservedBy = (ip: Ip, reserved: readonly SpiderReservedIP[]): string | undefined => {
  const by = reserved.find(
    ({ spec, metadata }) =>
      metadata.deletionTimestamp === undefined && includes(readable(spec.ips, familyOf(ip)), toBigint(ip)),
  )
  return by && `SpiderReservedIP ${by.metadata.name} reserves it`
}

function ofPool(ip: Ip, pool: SpiderIPPool, reserved: readonly SpiderReservedIP[]): AddressRow {
  const { spec, metadata } = pool
  const row = { ...NO_HOLDER, address: ip, pool: metadata.name }
  const record = recordOfGo(ip, pool)
  if (record) {
    const why = 'a Go agent recorded it in status.allocatedIPs of the pool'
    return { ...row, state: 'recorded', namespace: record.namespace, pod: record.pod, podUid: record.uid, why }
  }
  const by = reservedBy(ip, reserved)
  if (by !== undefined) return { ...row, state: 'reserved', why: by }
  const prefix = parsePrefix(spec.subnet)
  const useless =
    parseIp(spec.gateway ?? '') === ip ? `is the gateway of ${spec.subnet}` : prefix && whyUnusable(ip, prefix)
  if (useless !== undefined) return { ...row, state: 'excluded', why: `it ${useless}` }
  if (!includes(effectiveOf(spec, familyOfSpec(spec)), toBigint(ip)))
    return { ...row, state: 'excluded', why: 'spec.excludeIPs of the pool has it' }
  const off = spec.disable === true ? '; the pool is disabled (spec.disable)' : ''
  return { ...row, state: 'free', why: `no pod holds it${off}` }
}

function recordOfGo(ip: Ip, pool: SpiderIPPool): ReturnType<typeof recordAt> {
  const shared = sharedOf(pool)
  return shared && recordAt(shared, ip)
}

/** `reclaimed 172.18.30.5/16 of …`, or ranges where several were reclaimed at once. */
const RECLAIMED =
  /^(?:reclaimed|spiderpoolctl released|spiderpoolctl ended the quarantine of) ([0-9a-f.:/, -]+?)(?: of |: )/
const FREED = /^(Reclaimed.*|AddressReleased|QuarantineLifted)$/

/** The latest Event that freed the address, the controller's or ours; undefined without one. */
export function reclaimEvent(ip: Ip, events: readonly Event[]): Event | undefined {
  const family = familyOf(ip)
  const named = events.filter(({ reason, message }) => {
    if (!FREED.test(reason)) return false
    const texts = (RECLAIMED.exec(message)?.[1] ?? '').split(', ')
    return texts.some(text =>
      text.includes('/') ? parsePrefix(text)?.ip === ip : includes(readable([text], family), toBigint(ip)),
    )
  })
  return [...named].sort((a, b) => (a.lastTimestamp < b.lastTimestamp ? 1 : -1))[0]
}
