// Who an address belongs to, and the object that says so. Pure.
import { familyOf, objectNameOf, type Ip } from '../../ip/address.js'
import {
  ANNOTATION_NETNS,
  ANNOTATION_UNATTACHED,
  IPAM_LABEL_POD_UID,
  IPAM_LABEL_POOL_UID,
  LABEL_CONTAINER_HOST,
  SPIDERPOOL_API,
} from '../../crd/names.js'
import type { SpiderIPAddress } from '../../crd/types.js'
import type { ControllerRef } from '../store/store.js'
import type { Pool } from './pool.js'

export interface Claimant {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  /** Name of the SpiderEndpoint: the pod's, or that of the virtual machine that runs in it. */
  readonly record: string
  readonly node: string
  readonly containerID: string
  readonly owner: ControllerRef
  /** The pod's addresses go over to the next pod of its record: of a StatefulSet's pod, of a virtual machine. */
  readonly isKept?: boolean
  /** Of a mirror pod: the UID of its object, which is not the pod's. */
  readonly apiUid?: string
  /** Of a container without a pod: what its host knows it by (container.ts). */
  readonly at?: { readonly host: string; readonly netns: string; readonly name: string }
}

/** The order of candidates hangs on this text: pod, NIC and pool, and not on the UID, so a pod of the same name tends to its old address. */
export const orderSeed = (claimant: Claimant, nic: string, pool: Pool): string =>
  `${claimant.namespace}/${claimant.at?.name ?? claimant.record}/${nic}/${pool.name}`

export function addressObject(args: { ip: Ip; pool: Pool; nic: string; claimant: Claimant }): SpiderIPAddress {
  const { ip, pool, nic, claimant } = args
  return {
    apiVersion: SPIDERPOOL_API,
    kind: 'SpiderIPAddress',
    metadata: {
      name: objectNameOf(ip),
      labels: { [IPAM_LABEL_POOL_UID]: pool.uid, [IPAM_LABEL_POD_UID]: claimant.uid, ...hostLabel(claimant) },
      ...(claimant.at && { annotations: { [ANNOTATION_NETNS]: claimant.at.netns } }),
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

const hostLabel = ({ at }: Claimant) => at && { [LABEL_CONTAINER_HOST]: at.host }

/** Who asks for an address, and what it may find written there of an earlier try, an earlier pod, or before its interface had a name. */
export interface Holder {
  readonly claimant: Claimant
  readonly nic: string
  readonly was?: { readonly uid?: string; readonly nic?: string }
}

/**
 * The same pod (by UID) and the same NIC: then it is what an earlier try of this very call took, or what the caller inherits. An adopted
 * Go record names no NIC where the pod had no SpiderEndpoint yet.
 */
export const isHeldBy = ({ spec }: SpiderIPAddress, { claimant, nic, was }: Holder): boolean =>
  (spec.pod.uid === claimant.uid || (was?.uid !== undefined && spec.pod.uid === was.uid)) &&
  (spec.nic === nic || spec.nic === '' || (was?.nic !== undefined && spec.nic === was.nic))

/** True where the object says of its holder all that it should. */
export const isUpToDate = ({ spec, metadata }: SpiderIPAddress, { claimant, nic }: Holder): boolean =>
  spec.containerID === claimant.containerID &&
  spec.nic === nic &&
  spec.pod.uid === claimant.uid &&
  (!claimant.at || metadata.annotations?.[ANNOTATION_NETNS] === claimant.at.netns)

/** The object as the asking pod's: what it needs to be written where it is not up to date. */
export const withHolder = (object: SpiderIPAddress, { claimant, nic }: Holder): SpiderIPAddress => ({
  ...object,
  metadata: {
    ...object.metadata,
    labels: { ...object.metadata.labels, [IPAM_LABEL_POD_UID]: claimant.uid },
    ...(object.metadata.annotations && { annotations: withoutMark(object.metadata.annotations) }),
    ...(claimant.at && { annotations: { [ANNOTATION_NETNS]: claimant.at.netns } }),
  },
  spec: {
    ...object.spec,
    nic,
    node: claimant.node,
    containerID: claimant.containerID,
    pod: { namespace: claimant.namespace, name: claimant.name, uid: claimant.uid },
    owner: claimant.owner,
  },
})

/** A container uses it again. */
const withoutMark = ({ [ANNOTATION_UNATTACHED]: _, ...others }: Readonly<Record<string, string>>) => others
