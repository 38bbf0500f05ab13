// Identity of a container without a pod: record name, UID, owner. Pure; on the hot path.
import { SPIDERPOOL_GROUP } from '../../crd/names.js'
import type { Ip } from '../../ip/address.js'
import type { Claimant } from './claimant.js'

/** The owner of a container's address is the container itself. */
export const CONTAINER = { apiVersion: SPIDERPOOL_GROUP, kind: 'Container' } as const

/** True where the owner of an address is a container without a pod. */
export const isOfContainer = ({ owner }: { readonly owner: Claimant['owner'] }): boolean =>
  owner.apiVersion === CONTAINER.apiVersion && owner.kind === CONTAINER.kind

export interface ContainerIdentity {
  /** Container ID: name of the record, holder of the addresses. */
  readonly id: string
  /** The name that its user gave it. */
  readonly name: string
  /** IP of CNI_ARGS: the address that its user requests. */
  readonly ip: Ip | undefined
}

/** The namespace of the records of containers. */
export const CONTAINER_NAMESPACE = 'default'
/** Longest label value (apimachinery); keeps 252 of the 256 bits of a container ID. */
const UID_LENGTH = 63

/** The UID that the addresses of a container are held under. */
export const uidOf = ({ id }: Pick<ContainerIdentity, 'id'>): string => id.slice(0, UID_LENGTH)

/** True for a container ID that can name its record (RFC 1123 subdomain, 64 characters at most). */
export const isRecordName = (id: string): boolean => id.length <= 64 && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(id)
