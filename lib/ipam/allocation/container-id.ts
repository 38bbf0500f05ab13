// What a container without a pod is called: its record, its UID, its owner. Pure; in the way of every call, so it knows nothing else.
import { SPIDERPOOL_GROUP } from '../../crd/names.js'
import type { Ip } from '../../ip/address.js'
import type { Claimant } from './claim.js'

/** The controller of a container is the container. */
export const CONTAINER = { apiVersion: SPIDERPOOL_GROUP, kind: 'Container' } as const

export const isOfContainer = ({ owner }: { readonly owner: Claimant['owner'] }): boolean =>
  owner.apiVersion === CONTAINER.apiVersion && owner.kind === CONTAINER.kind

export interface ContainerIdentity {
  /** Container ID: the record's name, and whose the addresses are. */
  readonly id: string
  /** What its user calls it. */
  readonly name: string
  /** CNI_ARGS IP: the address that its user wants it to have. */
  readonly ip: Ip | undefined
}

/** As records are kept in a namespace, and there is no other. */
export const CONTAINER_NAMESPACE = 'default'
/** A label's value may be so long (apimachinery); of the 256 bits of a container ID that leaves 252. */
const UID_LENGTH = 63

export const uidOf = ({ id }: Pick<ContainerIdentity, 'id'>): string => id.slice(0, UID_LENGTH)

/** The record has the container's ID as its name (RFC 1123 subdomain); two IDs that differ only beyond the UID's length would be one. */
export const isRecordName = (id: string): boolean => id.length <= 64 && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(id)
