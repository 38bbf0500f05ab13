// The Go Spiderpool: records of status.allocatedIPs, by the controller's own adoption.
import { adoptionOf } from '../../../daemons/controller/reconcilers/ippool/adopt.js'
import type { Pod, SpiderEndpoint, SpiderIPAddress, SpiderIPPool } from '../../../lib/crd/types.js'
import { objectNameOf } from '../../../lib/ip/address.js'
import { parsePrefix } from '../../../lib/ip/cidr.js'
import { recordsIn } from '../../../lib/ipam/allocation/go-records.js'
import { uidOf } from '../../../lib/ipam/store/pod.js'
import type { MigrationStep } from './decide.js'

export interface GoView {
  readonly addressNamed: (name: string) => SpiderIPAddress | undefined
  readonly endpointOf: (key: string) => SpiderEndpoint | undefined
  /** By UID of the API object, and of a static pod by the kubelet's too. */
  readonly podWithUid: (uid: string) => Pod | undefined
}

/** A step with the object that it writes. */
export interface GoStep extends MigrationStep {
  readonly adopted?: { readonly kind: 'create' | 'update'; readonly object: SpiderIPAddress }
}

/** The plan for one pool. */
export function goSteps(pool: SpiderIPPool, view: GoView): readonly GoStep[] {
  const text = pool.status?.allocatedIPs
  if (text === undefined) return []
  const from = `spiderippool/${pool.metadata.name}`
  const { addressNamed, endpointOf } = view
  const isThere = (uid: string): boolean => view.podWithUid(uid) !== undefined
  const adoption = adoptionOf(pool, {
    ...{ addressNamed, endpointOf, isThere },
    isWanted: ({ uid }) => isThere(uid),
    identityOf: uid => uidOf(view.podWithUid(uid)) || uid,
  })
  const lineOf = (object: SpiderIPAddress, action: MigrationStep['action'], why: string): MigrationStep => ({
    ...{ object: `spideripaddress/${object.metadata.name}`, action, why, from },
    address: parsePrefix(object.spec.address)?.ip ?? object.spec.address,
    pod: `${object.spec.pod.namespace}/${object.spec.pod.name}`,
  })
  const lines: GoStep[] = [
    ...adoption.create.map((object): GoStep => ({
      ...lineOf(object, 'create', `of pool ${pool.metadata.name}`),
      adopted: { kind: 'create', object },
    })),
    ...adoption.renew.map((object): GoStep => ({
      ...lineOf(object, 'extend', 'its successor of the same name has it'),
      adopted: { kind: 'update', object },
    })),
  ]
  const planned = new Set(lines.map(({ address }) => address))
  const contested = new Map(adoption.contested.map(({ record, holder }) => [record.ip, holder] as const))
  for (const record of recordsIn(text).records) {
    const { ip, namespace, pod: name } = record
    if (planned.has(ip)) continue
    const base = {
      object: `spideripaddress/${objectNameOf(ip)}`,
      address: String(ip),
      pod: `${namespace}/${name}`,
      from,
    }
    const other = contested.get(ip)?.spec.pod
    if (other)
      lines.push({ ...base, action: 'conflict', why: `pod ${other.namespace}/${other.name} has the SpiderIPAddress` })
    else if (addressNamed(objectNameOf(ip)))
      lines.push({ ...base, action: 'there', why: `of pool ${pool.metadata.name}` })
    else lines.push({ ...base, action: 'skip', why: 'the pod does not exist' })
  }
  for (const key of adoption.unreadable)
    lines.push({
      object: from,
      address: key,
      pod: '',
      from,
      action: 'conflict',
      why: 'status.allocatedIPs cannot be read there',
    })
  return lines
}
