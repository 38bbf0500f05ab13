// Differences of SpiderIPAddresses: to their names, pools, pods, owners and records. Pure.
import { ANNOTATION_CONFLICT_SINCE, IPAM_LABEL_POD_UID, IPAM_LABEL_POOL_UID, LABEL_NODE } from '../crd/names.js'
import type { Pod, SpiderEndpoint, SpiderIPAddress } from '../crd/types.js'
import { familyOf, objectNameOf, type Ip } from '../ip/address.js'
import { parsePrefix } from '../ip/cidr.js'
import { withHolder } from '../ipam/allocation/address-object.js'
import { isOfContainer } from '../ipam/allocation/standalone-identity.js'
import { addressesOf } from '../ipam/allocation/endpoint.js'
import { nodeLabelOf } from '../ipam/allocation/node-name-label.js'
import { isQuarantined } from '../ipam/allocation/conflict-quarantine.js'
import { isMirror, isOfPod } from '../ipam/store/pod.js'
import { claimantOf, holderKey, ipOf } from './claim.js'
import type { DifferenceName } from './kinds.js'
import { placeDifferences } from './places.js'
import { keyOf, mayUse, reportedIps, versionOf, type CheckDifference, type Lookup, type CheckRepair } from './state.js'

/** As long as the controller keeps an address in quarantine, and as long again for its rounds. */
const QUARANTINE_MS_MAX = 1_800_000

/** A difference of an address; the objects that its decision depends on are in `seen`. */
export function ofAddress(
  object: SpiderIPAddress,
  {
    kind,
    what,
    repair,
  }: { readonly kind: DifferenceName; readonly what: string; readonly repair?: CheckRepair | undefined },
  at: Lookup,
): CheckDifference {
  const { name } = object.metadata
  const pod = at.pod(holderKey(object))
  const record = at.record(holderKey(object))
  return {
    ...{ kind, what, object: `spideripaddress/${name}` },
    reads: { address: name, pod: holderKey(object), pool: object.spec.pool },
    seen: versionOf(object, pod, record),
    ...(repair && { repair }),
  }
}

/** Every difference of an address. A malformed one has no others until it is repaired. */
export function addressDifferences(object: SpiderIPAddress, at: Lookup): readonly CheckDifference[] {
  const malformed = formDifference(object, at)
  if (malformed) return [malformed]
  if (object.metadata.deletionTimestamp !== undefined) return terminating(object, at)
  if (isQuarantined(object)) return quarantined(object, at)
  if (object.spec.pod.uid === '' || isOfContainer(object.spec)) return []
  const places = placeDifferences(object, at)
  const holder = at.state.unread.has('pods') ? undefined : holderDifference(object, at)
  if (holder) return [holder]
  return [...places, ...labelDifferences(object, at), ...fieldDifferences(object, at)]
}

const replaced = (object: SpiderIPAddress, spec: Partial<SpiderIPAddress['spec']>): CheckRepair => ({
  verb: 'replaceAddress',
  object: { ...object, spec: { ...object.spec, ...spec } },
})

function formDifference(object: SpiderIPAddress, at: Lookup): CheckDifference | undefined {
  const { metadata, spec } = object
  const ip = ipOf(object)
  const address = parsePrefix(spec.address)
  if (ip === undefined || objectNameOf(ip) !== metadata.name)
    return ofAddress(
      object,
      {
        kind: 'address-name-invalid',
        what: `the object of ${spec.address} is named ${metadata.name}`,
        repair: { verb: 'deleteAddress', object },
      },
      at,
    )
  const length = subnetLength(spec.pool, at) ?? address?.length ?? (familyOf(ip) === 4 ? 32 : 128)
  if (address?.ip !== ip) {
    const what = `spec.address is ${spec.address}`
    return ofAddress(
      object,
      { kind: 'address-name', what, repair: replaced(object, { address: `${ip}/${length}` }) },
      at,
    )
  }
  if (address.length !== length) {
    const what = `spec.address is ${spec.address}, and the subnet of pool ${spec.pool} has length ${length}`
    return ofAddress(
      object,
      { kind: 'address-prefix', what, repair: replaced(object, { address: `${ip}/${length}` }) },
      at,
    )
  }
  if (spec.ipVersion !== familyOf(ip)) {
    const what = `spec.ipVersion is ${spec.ipVersion}`
    return ofAddress(
      object,
      { kind: 'address-version', what, repair: replaced(object, { ipVersion: familyOf(ip) }) },
      at,
    )
  }
  return undefined
}

/** Undefined where the pool has another subnet than the address's: that is another difference. */
const subnetLength = (name: string, at: Lookup): number | undefined =>
  parsePrefix(at.pool(name)?.spec.subnet ?? '')?.length

function terminating(object: SpiderIPAddress, at: Lookup): readonly CheckDifference[] {
  const { finalizers = [] } = object.metadata
  if (finalizers.length === 0) return []
  const what = `it is being deleted, and finalizers keep it: ${finalizers.join(', ')}`
  const pod = at.podOfUid(object.spec.pod.uid)
  const isUsed = pod !== undefined && mayUse(pod)
  const repair: CheckRepair = {
    verb: 'replaceAddress',
    object: { ...object, metadata: { ...object.metadata, finalizers: [] } },
  }
  return [ofAddress(object, { kind: 'address-terminating', what, repair: isUsed ? undefined : repair }, at)]
}

function quarantined(object: SpiderIPAddress, at: Lookup): readonly CheckDifference[] {
  const { annotations = {} } = object.metadata
  const since = Date.parse(annotations[ANNOTATION_CONFLICT_SINCE] ?? '')
  const ip = ipOf(object)
  if (ip !== undefined && at.nodeOf(ip) !== undefined) return [] // the node has it: kept
  if (Number.isNaN(since)) {
    const present = { [ANNOTATION_CONFLICT_SINCE]: new Date(at.state.now).toISOString() }
    const metadata = { ...object.metadata, annotations: { ...annotations, ...present } }
    const repair: CheckRepair = { verb: 'replaceAddress', object: { ...object, metadata } }
    return [ofAddress(object, { kind: 'quarantine-since', what: 'its quarantine has no beginning', repair }, at)]
  }
  if (at.state.now - since < QUARANTINE_MS_MAX) return []
  const what = `it is in quarantine since ${annotations[ANNOTATION_CONFLICT_SINCE] ?? ''}`
  return [ofAddress(object, { kind: 'quarantine-over', what, repair: { verb: 'deleteAddress', object } }, at)]
}

/** The holder is gone, has ended, or does not record and use the address. */
function holderDifference(object: SpiderIPAddress, at: Lookup): CheckDifference | undefined {
  const { spec } = object
  const ip = ipOf(object)
  const pod = at.pod(holderKey(object)) ?? at.podOfUid(spec.pod.uid)
  const isHolder = pod !== undefined && isOfPod(spec.pod.uid, pod)
  const users = ip === undefined ? [] : at.usersOf(ip)
  const user =
    users.find(one => !isOfPod(spec.pod.uid, one.pod) && one.by === 'status') ??
    users.find(one => !isOfPod(spec.pod.uid, one.pod))
  if (user && !(isHolder && mayUse(pod))) return takenOver(object, user.pod, at)
  if (isHolder && user?.by === 'status') return usedByOther(object, { holder: pod, user: user.pod, ip }, at)
  if (user) return undefined // the record of the other names it: that is a difference of the record
  if (!isHolder) return pod === undefined || !isMirror(pod) ? withoutHolder(object, pod, at) : undefined
  if (!mayUse(pod)) return ended(object, pod, at)
  return pod.metadata.deletionTimestamp === undefined ? unrecorded(object, pod, at) : undefined
}

function takenOver(object: SpiderIPAddress, user: Pod, at: Lookup): CheckDifference | undefined {
  if (user.metadata.deletionTimestamp !== undefined) return undefined // its DEL decides
  const what = `it is held for ${holderKey(object)} of UID ${object.spec.pod.uid}, which is gone, and ${keyOf(user.metadata)} uses it`
  const repair: CheckRepair = {
    verb: 'replaceAddress',
    object: withHolder(object, { claimant: claimantOf(user, at), nic: object.spec.nic }),
  }
  return { ...ofAddress(object, { kind: 'address-holder', what, repair }, at), seen: versionOf(object, user) }
}

function usedByOther(
  object: SpiderIPAddress,
  { holder, user, ip }: { readonly holder: Pod; readonly user: Pod; readonly ip: Ip | undefined },
  at: Lookup,
): CheckDifference {
  const uses = (pod: Pod): boolean => ip !== undefined && reportedIps(pod).includes(ip)
  const record = at.recordOf(holder)
  const isOfHolder = uses(holder) || isNamedBy(object, record)
  const what = `it is held for ${holderKey(object)}, and ${keyOf(user.metadata)} uses it`
  const repair: CheckRepair | undefined = isOfHolder
    ? undefined
    : { verb: 'replaceAddress', object: withHolder(object, { claimant: claimantOf(user, at), nic: object.spec.nic }) }
  const kind = isOfHolder ? 'address-used-twice' : 'address-holder'
  return { ...ofAddress(object, { kind, what, repair }, at), seen: versionOf(object, user, holder) }
}

const isNamedBy = ({ spec }: SpiderIPAddress, record: SpiderEndpoint | undefined): boolean =>
  record?.status.current.ips.some(nic =>
    addressesOf(nic).some(({ address }) => parsePrefix(address)?.ip === parsePrefix(spec.address)?.ip),
  ) ?? false

const ageOf = ({ metadata }: SpiderIPAddress, at: Lookup): number => {
  const created = Date.parse(metadata.creationTimestamp ?? '')
  return Number.isNaN(created) ? Infinity : at.state.now - created
}

function withoutHolder(object: SpiderIPAddress, newer: Pod | undefined, at: Lookup): CheckDifference | undefined {
  const { pod, owner } = object.spec
  const record = at.record(holderKey(object)) ?? at.record(`${pod.namespace}/${owner.name}`)
  const retention = at.retention(owner, pod)
  const isNamed = isNamedBy(object, record)
  const isYoung = ageOf(object, at) < at.state.unrecordedMs
  if (retention === 'kept') {
    const isItsRecord =
      record?.status.current.uid === pod.uid || (newer && isOfPod(record?.status.current.uid ?? '', newer))
    if (isItsRecord !== true || isNamed || isYoung) return undefined
  } else if (isYoung && !(isNamed && record?.status.current.uid === pod.uid)) return undefined
  const kind =
    retention === 'kept'
      ? 'address-not-recorded'
      : retention === 'ended'
        ? 'address-owner-gone'
        : newer
          ? 'address-pod-replaced'
          : 'address-pod-gone'
  const why = {
    'address-not-recorded': 'and the record of the pod does not name it',
    'address-owner-gone': `and ${owner.kind} ${owner.name} starts no pod of this name again`,
    'address-pod-replaced': 'and a newer pod has the name',
    'address-pod-gone': 'which does not exist',
  }[kind]
  const what = `it is held for pod ${holderKey(object)} of UID ${pod.uid}, ${why}`
  return ofAddress(object, { kind, what, repair: { verb: 'deleteAddress', object } }, at)
}

function ended(object: SpiderIPAddress, pod: Pod, at: Lookup): CheckDifference | undefined {
  if (at.retention(object.spec.owner, object.spec.pod) === 'kept') return undefined
  const what = `it is held for pod ${keyOf(pod.metadata)}, which has ended (${pod.status?.phase ?? ''})`
  return ofAddress(object, { kind: 'address-pod-ended', what, repair: { verb: 'deleteAddress', object } }, at)
}

/** Held by a running pod whose record does not name it and which does not use it. */
function unrecorded(object: SpiderIPAddress, pod: Pod, at: Lookup): CheckDifference | undefined {
  if (pod.status?.phase !== 'Running' || (pod.status.podIPs ?? []).length === 0) return undefined
  const record = at.recordOf(pod)
  if (!record || !isOfPod(record.status.current.uid, pod) || isNamedBy(object, record)) return undefined
  const ip = ipOf(object)
  if (ip === undefined || reportedIps(pod).includes(ip) || ageOf(object, at) < at.state.unrecordedMs) return undefined
  const what = `pod ${keyOf(pod.metadata)} holds it, and neither its status nor its record names it`
  return ofAddress(object, { kind: 'address-not-recorded', what, repair: { verb: 'deleteAddress', object } }, at)
}

function labelDifferences(object: SpiderIPAddress, at: Lookup): readonly CheckDifference[] {
  const { metadata, spec } = object
  const pool = at.pool(spec.pool)
  const expected: readonly (readonly [DifferenceName, string, string | undefined])[] = [
    ['address-pod-label', IPAM_LABEL_POD_UID, spec.pod.uid],
    ['address-pool-label', IPAM_LABEL_POOL_UID, pool?.metadata.uid],
    ['address-node-label', LABEL_NODE, spec.node === '' ? undefined : nodeLabelOf(spec.node)],
  ]
  return expected.flatMap(([kind, label, value]) => {
    const found = metadata.labels?.[label]
    if (value === undefined || found === value) return []
    const labels = { ...metadata.labels, [label]: value }
    const repair: CheckRepair = { verb: 'replaceAddress', object: { ...object, metadata: { ...metadata, labels } } }
    return [ofAddress(object, { kind, what: `label ${label} is ${found ?? 'missing'}, not ${value}`, repair }, at)]
  })
}

/** Fields that the holder and its record decide. */
function fieldDifferences(object: SpiderIPAddress, at: Lookup): readonly CheckDifference[] {
  const { spec } = object
  const pod = at.pod(holderKey(object))
  if (!pod || !isOfPod(spec.pod.uid, pod) || pod.metadata.deletionTimestamp !== undefined) return []
  const found: CheckDifference[] = []
  const node = pod.spec?.nodeName ?? ''
  // An address that was adopted from a Go agent may have neither node nor interface.
  if (node !== '' && spec.node !== '' && spec.node !== node)
    found.push(
      ofAddress(
        object,
        {
          kind: 'address-node',
          what: `spec.node is ${spec.node}; the pod is on ${node}`,
          repair: moved(object, node),
        },
        at,
      ),
    )
  const record = at.recordOf(pod)
  const nic = record?.status.current.ips.find(one => addressesOf(one).some(({ address }) => address === spec.address))
  if (
    nic &&
    nic.interface !== '' &&
    spec.nic !== '' &&
    spec.nic !== nic.interface &&
    isOfPod(record?.status.current.uid ?? '', pod)
  ) {
    const what = `spec.nic is ${spec.nic}; the record says ${nic.interface}`
    found.push(ofAddress(object, { kind: 'address-nic', what, repair: replaced(object, { nic: nic.interface }) }, at))
  }
  const set = pod.metadata.ownerReferences?.find(
    ({ kind, controller }) => kind === 'StatefulSet' && controller === true,
  )
  if (set?.apiVersion === 'apps/v1' && (spec.owner.kind !== 'StatefulSet' || spec.owner.name !== set.name)) {
    const owner = { apiVersion: set.apiVersion, kind: set.kind, name: set.name }
    const what = `spec.owner is ${spec.owner.kind} ${spec.owner.name}; the pod is of StatefulSet ${set.name}`
    found.push(ofAddress(object, { kind: 'address-owner', what, repair: replaced(object, { owner }) }, at))
  }
  return found
}

const moved = (object: SpiderIPAddress, node: string): CheckRepair => ({
  verb: 'replaceAddress',
  object: {
    ...object,
    metadata: { ...object.metadata, labels: { ...object.metadata.labels, [LABEL_NODE]: nodeLabelOf(node) } },
    spec: { ...object.spec, node },
  },
})
