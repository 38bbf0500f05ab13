// Retention: StatefulSet pods and virtual machines keep addresses beyond one pod's life. Pure.
import type { ControllerRef, StatefulSet, VirtualMachine } from './store.js'

export interface Features {
  readonly statefulSet: boolean
  readonly kubevirt: boolean
}

export const ALL_FEATURES: Features = { statefulSet: true, kubevirt: true }

export type RetainingKind = 'StatefulSet' | 'VirtualMachineInstance'

const RETAINING_KINDS: Readonly<Record<string, RetainingKind>> = {
  'apps/v1 StatefulSet': 'StatefulSet',
  'kubevirt.io/v1 VirtualMachineInstance': 'VirtualMachineInstance',
}

/**
 * The retention kind of a top controller; `undefined` without retention or with the feature off.
 */
export function retainingKindOf({ apiVersion, kind }: ControllerRef, features: Features): RetainingKind | undefined {
  return enabled(RETAINING_KINDS[`${apiVersion} ${kind}`], features)
}

/** The same from a record, which has only the kind. */
export function retainingKindNamed(kind: string, features: Features): RetainingKind | undefined {
  return enabled(
    Object.values(RETAINING_KINDS).find(retainedBy => retainedBy === kind),
    features,
  )
}

const enabled = (
  retainedBy: RetainingKind | undefined,
  { statefulSet, kubevirt }: Features,
): RetainingKind | undefined =>
  (retainedBy === 'StatefulSet' && !statefulSet) || (retainedBy === 'VirtualMachineInstance' && !kubevirt)
    ? undefined
    : retainedBy

export interface Ordinal {
  readonly set: string
  readonly ordinal: number
}

/** `web-3` is pod 3 of StatefulSet web; `undefined` for a name of another form. */
export function ordinalOf(podName: string): Ordinal | undefined {
  const match = /^(.*)-([0-9]+)$/.exec(podName)
  const [, set, number] = match ?? []
  const ordinal = Number(number)
  return set === undefined || !Number.isSafeInteger(ordinal) ? undefined : { set, ordinal }
}

/** KubeVirt's pod names: `virt-launcher-<machine>-<five characters>`. */
const LAUNCHER = /^virt-launcher-(.+)-[a-z0-9]{5}$/

/** The virtual machine in a pod of this name; `undefined` for other pods. */
export const machineOf = (podName: string): string | undefined => LAUNCHER.exec(podName)?.[1]

/**
 * True where the set has, or will recreate, a pod of this name: its ordinal is within start and
 * replicas (StatefulSetSpec: replicas defaults to 1, ordinals.start to 0) and the set is not being
 * deleted.
 */
export function statefulSetKeeps(podName: string, set: StatefulSet | undefined): boolean {
  const pod = ordinalOf(podName)
  if (!set || !pod || set.metadata.deletionTimestamp !== undefined || set.metadata.name !== pod.set) return false
  const start = set.spec?.ordinals?.start ?? 0
  return pod.ordinal >= start && pod.ordinal < start + (set.spec?.replicas ?? 1)
}

/** True where the instance is alive, or its VirtualMachine will start it again. */
export function virtualMachineKeeps(
  instance: VirtualMachine | undefined,
  machine: VirtualMachine | undefined,
): boolean {
  const lives = (one: VirtualMachine | undefined): boolean => one?.metadata.deletionTimestamp === undefined
  if (instance && lives(instance)) return true
  const isOfMachine =
    instance?.metadata.ownerReferences?.some(
      ({ kind, controller }) => kind === 'VirtualMachine' && controller === true,
    ) ?? true
  return machine !== undefined && lives(machine) && isOfMachine
}
