// Loaded lazily: annotations of a pod whose key is unknown get an Event, and are named where ADD
// finds no pool.
import { ANNOTATION_NAMESPACE_IPV4, ANNOTATION_NAMESPACE_IPV6 } from '../../crd/names.js'
import type { Pod } from '../../crd/types.js'
import { distance, nearest } from '../../edit-distance.js'
import { eventOf } from '../store/event.js'
import { NAMESPACE_KEYS, POD_KEYS } from './annotation-keys.js'
import type { Store } from '../store/store.js'
import { Refused } from '../errors.js'

const PREFIX = 'ipam.spidernet.io'
/** Prefixes of pod annotations; others of the project are for other objects. */
const PREFIXES = [PREFIX, 'cni.spidernet.io'] as const
/**
 * `ipam.spidernet.com`, `ipam.spidernt.io`; not `multus.spidernet.io`, which is for other objects.
 */
const PREFIX_TYPOS_MAX = 3
/** Read of the Namespace alone. */
const OF_NAMESPACE: readonly string[] = [ANNOTATION_NAMESPACE_IPV4, ANNOTATION_NAMESPACE_IPV6]

/** A message for each key with one of our prefixes or nearly so. Pure. */
export function sentencesOf(keys: readonly string[], of: string, known = POD_KEYS): readonly string[] {
  return keys.flatMap(key => {
    const [prefix = ''] = key.split('/')
    const isNear = PREFIXES.some(own => distance(prefix.toLowerCase(), own) <= PREFIX_TYPOS_MAX)
    if (!isNear) return []
    if (known === NAMESPACE_KEYS && POD_KEYS.includes(key))
      return [`annotation ${key} of ${of} has no effect: it is read of the pod`]
    if (OF_NAMESPACE.includes(key)) return [`annotation ${key} of ${of} has no effect: it is read of the Namespace`]
    return [`annotation ${key} of ${of} is unknown and has no effect; ${meant(key, known)}`]
  })
}

function meant(key: string, known: readonly string[]): string {
  const name = key.slice(key.indexOf('/') + 1)
  const found = nearest(
    name,
    known.map(one => one.slice(one.indexOf('/') + 1)),
  )
  const whole = known.find(one => one.endsWith(`/${found}`))
  return whole === undefined ? `known are ${known.join(', ')}` : `did you mean ${whole}?`
}

/**
 * Runs `work` and records the Event of these keys in parallel; a `noPool` refusal names them too.
 */
export async function withTypos<T>(
  { keys, pod, store }: { readonly keys: readonly string[]; readonly pod: Pod; readonly store: Store },
  work: () => Promise<T>,
): Promise<T> {
  const { namespace = '', name } = pod.metadata
  const sentences = sentencesOf(keys, `pod ${namespace}/${name}`)
  if (sentences.length === 0) return work()
  const message = sentences.join('; ')
  const sending = store.recordEvent(typoEvent(pod, message))
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Refused) || error.refusal !== 'noPool') throw error
    throw new Refused('noPool', `${error.message}; ${message}`, { about: error.about, cause: error })
  } finally {
    await sending
  }
}

function typoEvent(pod: Pod, message: string): ReturnType<typeof eventOf> {
  const { namespace = '', name, uid = '' } = pod.metadata
  return eventOf({
    pod: { namespace, name, uid },
    node: pod.spec?.nodeName ?? '',
    reason: 'UnknownAnnotation',
    message,
    about: message,
    now: Date.now(),
  })
}

/** Records the Event of unknown keys of the pod's Namespace, on the pod that they do not reach. */
export async function reportNamespaceTypos(keys: readonly string[], pod: Pod, store: Store): Promise<void> {
  const sentences = sentencesOf(keys, `Namespace ${pod.metadata.namespace ?? ''}`, NAMESPACE_KEYS)
  if (sentences.length > 0) await store.recordEvent(typoEvent(pod, sentences.join('; ')))
}
