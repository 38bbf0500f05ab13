// The holder of an address: a pod, or a container without one. Types only.
import type { ControllerRef } from '../store/store.js'

export interface Claimant {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  /** Name of the SpiderEndpoint: the pod's, or that of the virtual machine that runs in it. */
  readonly record: string
  readonly node: string
  readonly containerID: string
  readonly owner: ControllerRef
  /**
   * Retention: the next pod of the record inherits the addresses (StatefulSet, virtual machine).
   */
  readonly isRetained?: boolean
  /** Of a mirror pod: metadata.uid of its object, which differs from the pod's UID. */
  readonly apiUid?: string
  /** Of a container without a pod: its host, network namespace and name. */
  readonly at?: { readonly host: string; readonly netns: string; readonly name: string }
}

/** Claimant and NIC of an address; `was`: UID of the pod before, name of the interface before. */
export interface Holder {
  readonly claimant: Claimant
  readonly nic: string
  readonly was?: { readonly uid?: string; readonly nic?: string }
}
