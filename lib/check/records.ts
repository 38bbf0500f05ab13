// Differences of SpiderEndpoints, and of pods whose addresses no object holds. Pure.
import { FINALIZER, LABEL_NODE } from '../crd/names.js'
import type { EndpointNic, Pod, SpiderEndpoint } from '../crd/types.js'
import { objectNameOf, type Ip } from '../ip/address.js'
import { parsePrefix } from '../ip/cidr.js'
import { CONTAINER } from '../ipam/allocation/standalone-identity.js'
import { addressesOf } from '../ipam/allocation/endpoint.js'
import { nodeLabelOf } from '../ipam/allocation/node-name-label.js'
import { isAlive, isOfPod, uidOf } from '../ipam/store/pod.js'
import { ordinalOf } from '../ipam/store/retention.js'
import { ipOf, objectFor, poolWith, recordFor } from './claim.js'
import { keyOf, reportedIps, versionOf, type CheckDifference, type Lookup, type CheckRepair } from './state.js'

interface Found {
  readonly kind: CheckDifference['kind']
  readonly what: string
  readonly repair?: CheckRepair | undefined
  readonly address?: string
}

function ofRecord(record: SpiderEndpoint, { kind, what, repair, address }: Found, at: Lookup): CheckDifference {
  const key = keyOf(record.metadata)
  const pod = at.pod(key) ?? at.podOfUid(record.status.current.uid)
  const objects = at.heldBy(record.status.current.uid)
  return {
    ...{ kind, what, object: `spiderendpoint/${key}` },
    reads: { record: key, pod: pod ? keyOf(pod.metadata) : key, ...(address !== undefined && { address }) },
    seen: versionOf(record, pod, ...objects),
    ...(repair && { repair }),
  }
}

/** Every difference of a record. */
export function recordDifferences(record: SpiderEndpoint, at: Lookup): readonly CheckDifference[] {
  if (at.state.unread.has('pods') || record.status.ownerControllerType === CONTAINER.kind) return []
  const { uid } = record.status.current
  const pod = at.pod(keyOf(record.metadata)) ?? at.podOfUid(uid)
  if (!pod || !(isAlive(pod) || pod.metadata.deletionTimestamp !== undefined)) return withoutPod(record, pod, at)
  if (pod.metadata.deletionTimestamp !== undefined) return []
  if (!isOfPod(uid, pod)) return ofOtherPod(record, pod, at)
  if (record.metadata.deletionTimestamp !== undefined) {
    const repair: CheckRepair = { verb: 'deleteRecord', object: record }
    return [
      ofRecord(record, { kind: 'record-terminating', what: 'it is being deleted while its pod runs', repair }, at),
    ]
  }
  const bodies = [...metadataDifferences(record, pod, at), ...interfaceDifferences(record, pod, at)]
  return [...bodies, ...incomplete(record, pod, at)]
}

function withoutPod(record: SpiderEndpoint, pod: Pod | undefined, at: Lookup): readonly CheckDifference[] {
  const { namespace = 'default', name } = record.metadata
  const { ownerControllerType: kind, ownerControllerName } = record.status
  const owner = { kind, name: kind === 'StatefulSet' ? (ordinalOf(name)?.set ?? '') : ownerControllerName }
  if (at.retention(owner, { namespace, name }) === 'kept') return []
  if (record.metadata.deletionTimestamp !== undefined && !(record.metadata.finalizers ?? []).includes(FINALIZER))
    return []
  const what = pod ? `its pod has ended (${pod.status?.phase ?? ''})` : 'its pod does not exist'
  return [ofRecord(record, { kind: 'record-pod-gone', what, repair: { verb: 'deleteRecord', object: record } }, at)]
}

/** A pod that runs with addresses has finished its ADD, which writes the record. */
const hasStarted = (pod: Pod): boolean =>
  pod.status?.phase === 'Running' &&
  (pod.status.podIPs ?? []).length > 0 &&
  pod.metadata.deletionTimestamp === undefined

function ofOtherPod(record: SpiderEndpoint, pod: Pod, at: Lookup): readonly CheckDifference[] {
  if (!hasStarted(pod) || at.heldBy(uidOf(pod)).length === 0) return []
  const what = `it is of UID ${record.status.current.uid}; the pod has UID ${uidOf(pod)}`
  return [ofRecord(record, { kind: 'record-pod', what, repair: rewritten(record, pod, at) }, at)]
}

const rewritten = (record: SpiderEndpoint, pod: Pod, at: Lookup): CheckRepair => ({
  verb: 'replaceRecord',
  object: recordFor(pod, record, at),
})

function metadataDifferences(record: SpiderEndpoint, pod: Pod, at: Lookup): readonly CheckDifference[] {
  const { metadata, status } = record
  const found: Found[] = []
  const node = pod.spec?.nodeName ?? ''
  if (node !== '' && status.current.node !== node) {
    const current = { ...status.current, node }
    const labels = { ...metadata.labels, [LABEL_NODE]: nodeLabelOf(node) }
    const object = { ...record, metadata: { ...metadata, labels }, status: { ...status, current } }
    const what = `status.current.node is ${status.current.node || 'empty'}; the pod is on ${node}`
    found.push({ kind: 'record-node', what, repair: { verb: 'replaceRecord', object } })
  } else if (node !== '' && (metadata.labels?.[LABEL_NODE] ?? nodeLabelOf(node)) !== nodeLabelOf(node)) {
    // Records of Go agents have no label.
    const labels = { ...metadata.labels, [LABEL_NODE]: nodeLabelOf(node) }
    const what = `label ${LABEL_NODE} is ${metadata.labels?.[LABEL_NODE] ?? ''}, not ${nodeLabelOf(node)}`
    const object = { ...record, metadata: { ...metadata, labels } }
    found.push({ kind: 'record-node-label', what, repair: { verb: 'replaceRecord', object } })
  }
  if (!(metadata.finalizers ?? []).includes(FINALIZER)) {
    const object = { ...record, metadata: { ...metadata, finalizers: [...(metadata.finalizers ?? []), FINALIZER] } }
    const what = `it has no finalizer ${FINALIZER}`
    found.push({ kind: 'record-finalizer', what, repair: { verb: 'replaceRecord', object } })
  }
  return found.map(one => ofRecord(record, one, at))
}

function interfaceDifferences(record: SpiderEndpoint, pod: Pod, at: Lookup): readonly CheckDifference[] {
  const { ips } = record.status.current
  const names = ips.map(nic => nic.interface)
  const twice = names.find((name, n) => name !== '' && names.indexOf(name) !== n)
  const found: Found[] =
    twice === undefined
      ? []
      : [
          {
            kind: 'record-interface-twice',
            what: `it has interface ${twice} twice`,
            repair: rewritten(record, pod, at),
          },
        ]
  return [
    ...found.map(one => ofRecord(record, one, at)),
    ...ips.flatMap(nic => addressesOf(nic).flatMap(one => entryDifference(record, { pod, nic, ...one }, at))),
  ]
}

interface Entry {
  readonly pod: Pod
  readonly nic: EndpointNic
  readonly address: string
  readonly pool: string
}

/** What an entry of the record says, beside the SpiderIPAddress of that address. */
function entryDifference(
  record: SpiderEndpoint,
  { pod, nic, address, pool }: Entry,
  at: Lookup,
): readonly CheckDifference[] {
  const ip = parsePrefix(address)?.ip
  const of = (one: Found): readonly CheckDifference[] => [
    ofRecord(record, { ...one, ...(ip !== undefined && { address: objectNameOf(ip) }) }, at),
  ]
  if (ip === undefined)
    return of({
      kind: 'record-address',
      what: `"${address}" of ${nic.interface} is no address`,
      repair: rewritten(record, pod, at),
    })
  const object = at.address(ip)
  if (!object) {
    const made = objectFor({ ip, nic: nic.interface, pod, pool }, at)
    const what = `it names ${ip}, and no SpiderIPAddress holds it`
    return of({ kind: 'record-unheld', what, repair: made && { verb: 'createAddress', object: made } })
  }
  if (!isOfPod(object.spec.pod.uid, pod)) return ofOther(record, { pod, nic, address, pool }, at)
  if (pool !== object.spec.pool && at.pool(object.spec.pool)) {
    const what = `it names pool ${pool || '(none)'} for ${ip}; the SpiderIPAddress is of pool ${object.spec.pool}`
    return of({ kind: 'record-pool', what, repair: rewritten(record, pod, at) })
  }
  if (object.spec.address !== address && parsePrefix(object.spec.address)?.ip === ip)
    return of({
      kind: 'record-address',
      what: `it says ${address}; the SpiderIPAddress is ${object.spec.address}`,
      repair: rewritten(record, pod, at),
    })
  return []
}

/** The address is held by another pod, or by none. */
function ofOther(record: SpiderEndpoint, { pod, address }: Entry, at: Lookup): readonly CheckDifference[] {
  const ip = parsePrefix(address)?.ip
  const object = ip && at.address(ip)
  if (!object || ip === undefined) return []
  const { uid, namespace, name } = object.spec.pod
  const holder = at.podOfUid(uid)
  if (reportedIps(pod).includes(ip)) return [] // it uses it: the difference is that of the address
  if (uid !== '' && !holder) return [] // a holder that is gone: the address is written for this pod
  const left = record.status.current.ips.flatMap(nic => without(nic, address))
  const what = `it names ${ip}, which ${uid === '' ? 'no pod holds: it is in quarantine' : `pod ${namespace}/${name} holds`}`
  const changed = { ...record, status: { ...record.status, current: { ...record.status.current, ips: left } } }
  const reads: Found = {
    kind: 'record-of-other',
    what,
    address: objectNameOf(ip),
    repair: { verb: 'replaceRecord', object: changed },
  }
  return [{ ...ofRecord(record, reads, at), seen: versionOf(record, pod, object) }]
}

/** The interface without an address; none where it had no other. */
function without(nic: EndpointNic, address: string): readonly EndpointNic[] {
  const { ipv4, ipv4Pool, ipv4Gateway, ipv6, ipv6Pool, ipv6Gateway, ...rest } = nic
  const left = {
    ...rest,
    ...(ipv4 !== undefined && ipv4 !== address && { ipv4, ipv4Pool, ipv4Gateway }),
    ...(ipv6 !== undefined && ipv6 !== address && { ipv6, ipv6Pool, ipv6Gateway }),
  } as EndpointNic
  return left.ipv4 === undefined && left.ipv6 === undefined ? [] : [left]
}

function incomplete(record: SpiderEndpoint, pod: Pod, at: Lookup): readonly CheckDifference[] {
  const used = new Set<string>(reportedIps(pod))
  const named = new Set(record.status.current.ips.flatMap(addressesOf).map(({ address }) => parsePrefix(address)?.ip))
  const missing = at.heldBy(uidOf(pod)).filter(one => {
    const ip = ipOf(one)
    return ip !== undefined && used.has(ip) && !named.has(ip)
  })
  if (!hasStarted(pod) || missing.length === 0) return []
  const what = `it does not name ${missing.map(({ metadata }) => metadata.name).join(', ')}, which the pod holds and uses`
  const address = missing[0]?.metadata.name ?? ''
  return [ofRecord(record, { kind: 'record-incomplete', what, address, repair: rewritten(record, pod, at) }, at)]
}

/** A running pod without a record, or with an address that no object holds. */
export function podDifferences(pod: Pod, at: Lookup): readonly CheckDifference[] {
  if (!hasStarted(pod) || pod.spec?.hostNetwork === true) return []
  const key = keyOf(pod.metadata)
  const held = at.heldBy(uidOf(pod))
  const record = at.recordOf(pod)
  const of = (
    kind: CheckDifference['kind'],
    what: string,
    repair: CheckRepair | undefined,
    address?: string,
  ): CheckDifference => ({
    ...{ kind, what, object: `pod/${key}` },
    reads: { pod: key, record: key, ...(address !== undefined && { address }) },
    seen: versionOf(pod, record, ...held),
    ...(repair && { repair }),
  })
  const unheld = reportedIps(pod).flatMap(ip =>
    unheldBy(pod, ip, at).map(([what, repair]) => of('pod-unheld', what, repair, objectNameOf(ip))),
  )
  if (record || held.length === 0) return unheld
  const created: CheckRepair = { verb: 'createRecord', object: recordFor(pod, undefined, at) }
  return [...unheld, of('record-missing', `it holds ${held.length} addresses and has no SpiderEndpoint`, created)]
}

function unheldBy(pod: Pod, ip: Ip, at: Lookup): readonly (readonly [string, CheckRepair | undefined])[] {
  if (at.address(ip) || !poolWith(ip, at) || at.state.unread.has('spideripaddresses')) return []
  const record = at.recordOf(pod)
  const entry = record?.status.current.ips.find(nic =>
    addressesOf(nic).some(one => parsePrefix(one.address)?.ip === ip),
  )
  if (entry) return [] // the difference is that of the record
  const users = at.usersOf(ip).filter(one => one.pod !== pod)
  const object = objectFor({ ip, nic: nicWith(pod, ip), pod }, at)
  const what = `it uses ${ip} of pool ${poolWith(ip, at)?.metadata.name ?? ''}, and no SpiderIPAddress holds it`
  return [[what, object && users.length === 0 ? { verb: 'createAddress', object } : undefined]]
}

/** The default interface has the addresses of the status. */
const nicWith = (pod: Pod, ip: Ip): string => ((pod.status?.podIPs ?? []).some(one => one.ip === ip) ? 'eth0' : '')
