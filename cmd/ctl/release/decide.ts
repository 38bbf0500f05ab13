// Whether an address may be released by hand. Pure.
import type { Pod, SpiderIPAddress } from '../../../lib/crd/types.js'
import { isOfContainer } from '../../../lib/ipam/allocation/standalone-identity.js'
import { isQuarantined } from '../../../lib/ipam/allocation/conflict-quarantine.js'
import { isAlive, isOfPod } from '../../../lib/ipam/store/pod.js'

export type ReleaseVerdict =
  | { readonly kind: 'release'; readonly because: string }
  /** `force`: true where --force releases it. */
  | { readonly kind: 'refuse'; readonly why: string; readonly force: boolean }

const KEEPERS: readonly string[] = ['StatefulSet', 'VirtualMachineInstance']
const ENDED: readonly string[] = ['Succeeded', 'Failed']

/** `pod` is a live read of the holder's name. An address that a pod may use is never released. */
export function releaseVerdict(
  object: SpiderIPAddress,
  pod: Pod | undefined,
  { force }: { readonly force: boolean },
): ReleaseVerdict {
  const verdict = unforced(object, pod)
  if (verdict.kind === 'release' || !verdict.force || !force) return verdict
  return { kind: 'release', because: `${verdict.why}, and --force is given` }
}

function unforced(object: SpiderIPAddress, pod: Pod | undefined): ReleaseVerdict {
  const { spec } = object
  const name = `pod ${spec.pod.namespace}/${spec.pod.name}`
  if (isQuarantined(object))
    return { kind: 'refuse', why: 'it is quarantined: another host on the network answered for it', force: true }
  if (isOfContainer(spec)) {
    const why = `it is of container ${spec.owner.name}, which only its host can see; remove the container there`
    return { kind: 'refuse', why, force: false }
  }
  const isSame = pod !== undefined && isOfPod(spec.pod.uid, pod)
  if (isSame) return ofPod(name, pod)
  const gone = pod ? `a newer pod has the name of ${name}` : `${name} does not exist`
  if (!KEEPERS.includes(spec.owner.kind)) return { kind: 'release', because: gone }
  const why = `${gone}, and ${spec.owner.kind} ${spec.owner.name} keeps the address for its next pod`
  return { kind: 'refuse', why, force: true }
}

function ofPod(name: string, pod: Pod): ReleaseVerdict {
  const phase = pod.status?.phase ?? 'Pending'
  if (ENDED.includes(phase) && !isAlive(pod))
    return { kind: 'refuse', why: `${name} has ended (${phase})`, force: true }
  const why = isAlive(pod)
    ? `${name} uses it (${phase}); delete the pod, and the address is released with it`
    : `${name} is terminating and may still use it; wait until it is gone`
  return { kind: 'refuse', why, force: false }
}
