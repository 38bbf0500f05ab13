// Loaded lazily: annotations of a pod whose key is unknown get an Event, and are named where ADD
// finds no pool.
import { ANNOTATION_NAMESPACE_IPV4, ANNOTATION_NAMESPACE_IPV6 } from '../../crd/names.js'
import type { Pod } from '../../crd/types.js'
import { distance, nearest } from '../../edit-distance.js'
import { eventOf } from '../store/event.js'
import { POD_KEYS } from './annotation-keys.js'
import type { Store } from '../store/store.js'
import { Refused } from '../errors.js'

const PREFIX = 'ipam.spidernet.io'
/** Prefixes of pod annotations; others of the project are for other objects. */
const PREFIXES = [PREFIX, 'cni.spidernet.io'] as const
/**
 * `ipam.spidernet.com`, `ipam.spidernt.io`; not `multus.spidernet.io`, which is for other objects.
 */
const PREFIX_TYPOS_MAX = 3
const NAMESPACE_KEYS: readonly string[] = [ANNOTATION_NAMESPACE_IPV4, ANNOTATION_NAMESPACE_IPV6]

/** A message for each key with one of our prefixes or nearly so. Pure. */
export function sentencesOf(keys: readonly string[], of: string): readonly string[] {
  return keys.flatMap(key => {
    const [prefix = ''] = key.split('/')
    const isNear = PREFIXES.some(own => distance(prefix.toLowerCase(), own) <= PREFIX_TYPOS_MAX)
    if (!isNear) return []
    if (NAMESPACE_KEYS.includes(key)) return [`annotation ${key} of ${of} has no effect: it is read of the Namespace`]
    return [`annotation ${key} of ${of} is unknown and has no effect; ${meant(key)}`]
  })
}

function meant(key: string): string {
  const name = key.slice(key.indexOf('/') + 1)
  const known = nearest(
    name,
    POD_KEYS.map(one => one.slice(one.indexOf('/') + 1)),
  )
  const whole = POD_KEYS.find(one => one.endsWith(`/${known}`))
  return whole === undefined ? `known are ${POD_KEYS.join(', ')}` : `did you mean ${whole}?`
}

/**
 * Runs `work` and records the Event of these keys in parallel; a `noPool` refusal names them too.
 */
export async function withTypos<T>(
  { keys, pod, store }: { readonly keys: readonly string[]; readonly pod: Pod; readonly store: Store },
  work: () => Promise<T>,
): Promise<T> {
  const { namespace = '', name, uid = '' } = pod.metadata
  const sentences = sentencesOf(keys, `pod ${namespace}/${name}`)
  if (sentences.length === 0) return work()
  const message = sentences.join('; ')
  const event = eventOf({
    pod: { namespace, name, uid },
    node: pod.spec?.nodeName ?? '',
    reason: 'UnknownAnnotation',
    message,
    about: message,
    now: Date.now(),
  })
  const sending = store.recordEvent(event)
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Refused) || error.refusal !== 'noPool') throw error
    throw new Refused('noPool', `${error.message}; ${message}`, { about: error.about, cause: error })
  } finally {
    await sending
  }
}
