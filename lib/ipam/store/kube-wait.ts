// Waits for a pool that the controller creates: a cached list, then a watch, until a timeout.
import type { SpiderIPPool } from '../../crd/types.js'
import type { Kube } from '../../kube/client.js'
import { isNotFound } from '../../kube/errors.js'
import { SPIDER_IPPOOLS } from '../../kube/kinds.js'
import type { Labels } from './store.js'

const WAIT_MS_MAX = 50_000
/** Reserved for the rest of the call; half of the remaining time if that is short. */
const REST_MS = 10_000

type Until = (pools: readonly SpiderIPPool[]) => boolean

/**
 * The pools with these labels once `until` holds, or as they are after `waitMs`; each read by name.
 */
export async function waitForPools(
  kube: Kube,
  labels: Labels,
  until: Until,
  waitMs = WAIT_MS_MAX,
): Promise<readonly SpiderIPPool[]> {
  const labelSelector = Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')
  const over = new AbortController()
  const left = kube.remainingMs
  const timer = setTimeout(() => over.abort(), Math.min(waitMs, Math.max(left - REST_MS, left / 2)))
  const watching = kube.watch<SpiderIPPool>(SPIDER_IPPOOLS, { labelSelector, signal: over.signal, fromCache: true })
  const current = new Map<string, SpiderIPPool>()
  try {
    for await (const event of watching) {
      if (event.type === 'LISTED') {
        current.clear()
        for (const pool of event.items) current.set(pool.metadata.name, pool)
      } else if (event.type === 'DELETED') current.delete(event.object.metadata.name)
      else current.set(event.object.metadata.name, event.object)
      if (until([...current.values()])) break
    }
  } finally {
    clearTimeout(timer)
    over.abort()
  }
  const read = await Promise.all([...current.keys()].map(name => fresh(kube, name)))
  return read.filter(pool => pool !== undefined)
}

/** A cached pool may offer what its spec no longer has. */
const fresh = (kube: Kube, name: string): Promise<SpiderIPPool | undefined> =>
  kube.get<SpiderIPPool>(SPIDER_IPPOOLS, { name }).catch((error: unknown) => {
    if (isNotFound(error)) return undefined
    throw error
  })
