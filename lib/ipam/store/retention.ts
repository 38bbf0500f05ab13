// Who keeps addresses beyond one pod's life: StatefulSet pods and virtual machines. Pure; objects in, verdict out.
import type { ObjectMeta } from '../../crd/types.js'
import type { ControllerRef } from './store.js'

export interface StatefulSet {
  readonly metadata: ObjectMeta
  readonly spec?: { readonly replicas?: number; readonly ordinals?: { readonly start?: number } }
}

/** A kubevirt.io VirtualMachine or VirtualMachineInstance, as far as it matters here. */
export interface VirtualMachine {
  readonly metadata: ObjectMeta
}

export interface Features {
  readonly statefulSet: boolean
  readonly kubevirt: boolean
}

export const ALL_FEATURES: Features = { statefulSet: true, kubevirt: true }

export type Keeper = 'StatefulSet' | 'VirtualMachineInstance'

const KEEPERS: Readonly<Record<string, Keeper>> = {
  'apps/v1 StatefulSet': 'StatefulSet',
  'kubevirt.io/v1 VirtualMachineInstance': 'VirtualMachineInstance',
}

/** What a pod's top controller keeps addresses as; `undefined` for the many that do not, and where the feature is off. */
export function keeperOf({ apiVersion, kind }: ControllerRef, features: Features): Keeper | undefined {
  return enabled(KEEPERS[`${apiVersion} ${kind}`], features)
}

/** The same from a record, which has the kind alone. */
export function keeperOfKind(kind: string, features: Features): Keeper | undefined {
  return enabled(
    Object.values(KEEPERS).find(keeper => keeper === kind),
    features,
  )
}

const enabled = (keeper: Keeper | undefined, { statefulSet, kubevirt }: Features): Keeper | undefined =>
  (keeper === 'StatefulSet' && !statefulSet) || (keeper === 'VirtualMachineInstance' && !kubevirt) ? undefined : keeper

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

/** What only KubeVirt names so: `virt-launcher-<machine>-<five characters>`. */
const LAUNCHER = /^virt-launcher-(.+)-[a-z0-9]{5}$/

/** The virtual machine that runs in a pod of this name, as far as a name can say; `undefined` for others. */
export const machineOf = (podName: string): string | undefined => LAUNCHER.exec(podName)?.[1]

/** Going by its name, the pod may inherit a record of that very name: worth reading before anything else is known. */
export const mayBeKept = (podName: string): boolean => ordinalOf(podName) !== undefined

/**
 * True where a pod of this name is, or will be again, one of the set's: its ordinal lies within start and replicas
 * (StatefulSetSpec: replicas 1 where it is left out, ordinals.start 0). A set that is being deleted makes no pod any more.
 */
export function statefulSetKeeps(podName: string, set: StatefulSet | undefined): boolean {
  const pod = ordinalOf(podName)
  if (!set || !pod || set.metadata.deletionTimestamp !== undefined || set.metadata.name !== pod.set) return false
  const start = set.spec?.ordinals?.start ?? 0
  return pod.ordinal >= start && pod.ordinal < start + (set.spec?.replicas ?? 1)
}

/** True where the instance lives, or its VirtualMachine will start it again. */
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
