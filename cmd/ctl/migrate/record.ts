// The holder of a migrated address, and its SpiderEndpoint, as the ADD of the pod would write them.
import { ANNOTATION_MIRROR } from '../../../lib/crd/names.js'
import type { Pod, SpiderEndpoint, SpiderIPAddress, SpiderIPPool } from '../../../lib/crd/types.js'
import { familyOf } from '../../../lib/ip/address.js'
import type { Claimant } from '../../../lib/ipam/allocation/claimant.js'
import { merged, newEndpoint, nicOf, nicRecord, withOnly } from '../../../lib/ipam/allocation/endpoint.js'
import { poolOf } from '../../../lib/ipam/allocation/pool.js'
import { topController, uidOf } from '../../../lib/ipam/store/pod.js'
import { retainingKindOf, type Features } from '../../../lib/ipam/store/retention.js'
import type { Store } from '../../../lib/ipam/store/store.js'
import type { ForeignAllocation } from './foreign.js'

const TRIES_MAX = 8

/** The pod as holder, with its top controller: a StatefulSet or VM keeps the address. */
export async function claimantOf(
  pod: Pod,
  of: ForeignAllocation,
  { store, features }: { readonly store: Store; readonly features: Features },
): Promise<Claimant> {
  const { apiVersion, kind, name: ownerName } = await topController(pod, store, { withUid: false })
  const { namespace = '', name, uid: apiUid = '', annotations = {} } = pod.metadata
  const retainedBy = retainingKindOf({ apiVersion, kind, name: ownerName }, features)
  return {
    ...{ namespace, name, uid: uidOf(pod), node: pod.spec?.nodeName ?? '', containerID: of.containerID },
    ...(annotations[ANNOTATION_MIRROR] !== undefined && { apiUid }),
    record: retainedBy === 'VirtualMachineInstance' ? ownerName : name,
    owner: { apiVersion, kind, name: ownerName },
    ...(retainedBy !== undefined && { isRetained: true }),
  }
}

interface Recording {
  readonly claimant: Claimant
  readonly pool: SpiderIPPool
  readonly object: SpiderIPAddress
  readonly of: ForeignAllocation
}

/**
 * Writes the address into the record of its pod, beside the other family of the same interface.
 * Returns why it is not written; '' otherwise.
 */
export async function recorded({ claimant, pool, object, of: { ip, nic } }: Recording, store: Store): Promise<string> {
  if (nic === '') return '' // the source does not name the interface, so no ADD could find it
  const { namespace, record, isRetained = false } = claimant
  const assigned = [{ pool: poolOf(pool, familyOf(ip)), object }]
  const one = nicRecord(nic, assigned, false)
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const known: SpiderEndpoint | undefined = await store.endpoint({ namespace, name: record })
    if (known && known.status.current.uid !== claimant.uid)
      return `SpiderEndpoint ${namespace}/${record} is of an earlier pod; delete it, then run migrate again`
    const routes = [...((known && nicOf(known, nic)?.routes) ?? []), ...(one.routes ?? [])]
    const nics = [{ ...(known && nicOf(known, nic)), ...one, ...(routes.length > 0 && { routes }) }]
    const written = known
      ? await store.replaceEndpoint(withOnly(known, claimant, merged(known.status.current.ips, nics)))
      : await store.createEndpoint(newEndpoint(claimant, nics, isRetained))
    if (written !== 'conflict') return ''
  }
  return `SpiderEndpoint ${namespace}/${record} is written by others at the same moment; run migrate again`
}
