// Who an address belongs to, and the object that says so. Pure.
import { familyOf, objectNameOf, type Ip } from '../ip/address.js'
import { IPAM_LABEL_POD_UID, IPAM_LABEL_POOL_UID, SPIDERPOOL_API } from '../crd/names.js'
import type { SpiderIPAddress } from '../crd/types.js'
import type { Pool } from './pool.js'

export interface Claimant {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly node: string
  readonly containerID: string
  readonly owner: { readonly apiVersion: string; readonly kind: string; readonly name: string }
}

/** The order of candidates hangs on this text: pod, NIC and pool, and not on the UID, so a pod of the same name tends to its old address. */
export const whoOf = (claimant: Claimant, nic: string, pool: Pool): string =>
  `${claimant.namespace}/${claimant.name}/${nic}/${pool.name}`

export function addressObject(args: { ip: Ip; pool: Pool; nic: string; claimant: Claimant }): SpiderIPAddress {
  const { ip, pool, nic, claimant } = args
  return {
    apiVersion: SPIDERPOOL_API,
    kind: 'SpiderIPAddress',
    metadata: {
      name: objectNameOf(ip),
      labels: { [IPAM_LABEL_POOL_UID]: pool.uid, [IPAM_LABEL_POD_UID]: claimant.uid },
    },
    spec: {
      address: `${ip}/${pool.subnet.length}`,
      ipVersion: familyOf(ip),
      pool: pool.name,
      nic,
      node: claimant.node,
      containerID: claimant.containerID,
      pod: { namespace: claimant.namespace, name: claimant.name, uid: claimant.uid },
      owner: claimant.owner,
    },
  }
}

/** The same pod (by UID) and the same NIC: then it is what an earlier try of this very call took. */
export const isOurs = (object: SpiderIPAddress, claimant: Claimant, nic: string): boolean =>
  object.spec.pod.uid === claimant.uid && object.spec.nic === nic
