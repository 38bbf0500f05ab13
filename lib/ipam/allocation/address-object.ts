// The SpiderIPAddress of a claimant: created, compared, taken over. Pure.
import { familyOf, objectNameOf, type Ip } from '../../ip/address.js'
import {
  ANNOTATION_ALLOCATED_IPS,
  ANNOTATION_NETNS,
  ANNOTATION_UNATTACHED,
  IPAM_LABEL_POD_UID,
  IPAM_LABEL_POOL_UID,
  LABEL_CONTAINER_HOST,
  SPIDERPOOL_API,
} from '../../crd/names.js'
import type { SpiderIPAddress } from '../../crd/types.js'
import type { Claimant, Holder } from './claimant.js'
import { nodeLabel } from './node-name-label.js'
import type { Pool } from './pool.js'

/**
 * The seed of the candidate order: pod, NIC and pool but not the UID, so that a pod of the same
 * name tends to get its old address.
 */
export const orderSeed = (claimant: Claimant, nic: string, pool: Pool): string =>
  `${claimant.namespace}/${claimant.at?.name ?? claimant.record}/${nic}/${pool.name}`

/** The SpiderIPAddress to create for a claimant. */
export function addressObject(args: { ip: Ip; pool: Pool; nic: string; claimant: Claimant }): SpiderIPAddress {
  const { ip, pool, nic, claimant } = args
  return {
    apiVersion: SPIDERPOOL_API,
    kind: 'SpiderIPAddress',
    metadata: {
      name: objectNameOf(ip),
      labels: { [IPAM_LABEL_POOL_UID]: pool.uid, [IPAM_LABEL_POD_UID]: claimant.uid, ...placeLabel(claimant) },
      ...annotationsOf(claimant, pool),
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

/** The record in the pool's text is deleted with an object that says that there is one. */
const annotationsOf = ({ at }: Claimant, { shared }: Pool) =>
  (at || shared) && {
    annotations: {
      ...(at && { [ANNOTATION_NETNS]: at.netns }),
      ...(shared && { [ANNOTATION_ALLOCATED_IPS]: 'shared' }),
    },
  }

/** A container without a pod has a host of its own label. */
const placeLabel = ({ at, node }: Claimant) => (at ? { [LABEL_CONTAINER_HOST]: at.host } : nodeLabel(node))

/**
 * True for the same pod (by UID) and NIC: taken by an earlier try of this call, or inherited. An
 * adopted Go record has no NIC where the pod had no SpiderEndpoint yet.
 */
export const isHeldBy = ({ spec }: SpiderIPAddress, { claimant, nic, was }: Holder): boolean =>
  (spec.pod.uid === claimant.uid || (was?.uid !== undefined && spec.pod.uid === was.uid)) &&
  (spec.nic === nic || spec.nic === '' || (was?.nic !== undefined && spec.nic === was.nic))

/** True where container ID, NIC, UID and netns of the object are those of the holder. */
export const isUpToDate = ({ spec, metadata }: SpiderIPAddress, { claimant, nic }: Holder): boolean =>
  spec.containerID === claimant.containerID &&
  spec.nic === nic &&
  spec.pod.uid === claimant.uid &&
  (!claimant.at || metadata.annotations?.[ANNOTATION_NETNS] === claimant.at.netns)

/** The object with this holder, for an update. */
export const withHolder = (object: SpiderIPAddress, { claimant, nic }: Holder): SpiderIPAddress => ({
  ...object,
  metadata: {
    ...object.metadata,
    labels: { ...object.metadata.labels, [IPAM_LABEL_POD_UID]: claimant.uid, ...placeLabel(claimant) },
    ...((object.metadata.annotations ?? claimant.at) && {
      annotations: {
        ...withoutMark(object.metadata.annotations ?? {}),
        ...(claimant.at && { [ANNOTATION_NETNS]: claimant.at.netns }),
      },
    }),
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

/** Without the mark of GC: a container uses the address again. */
const withoutMark = ({ [ANNOTATION_UNATTACHED]: _, ...others }: Readonly<Record<string, string>>) => others
