// Events for reclaimed addresses, batched by pool and reason so that a thousand addresses are a few
// writes.
import { SPIDERPOOL_API } from '../../../../lib/crd/names.js'
import type { SpiderIPAddress } from '../../../../lib/crd/types.js'
import { parsePrefix } from '../../../../lib/ip/cidr.js'
import { familyOf, toBigint, type Family, type Ip } from '../../../../lib/ip/address.js'
import { formatRanges, normal } from '../../../../lib/ip/range.js'
import type { GcReason } from './decide.js'
import type { ReconcileContext } from '../../runtime/reconciler.js'
import { POOLS } from '../sources.js'
import type { CacheReader } from '../../../runtime/lister.js'

const GATHER_MS = 200
/** Leaves room for the rest of the sentence: a message has at most 1024 characters. */
const LISTED_LENGTH_MAX = 850

/** The table in docs/controller.md has the same words. */
export const BECAUSE: Readonly<Record<GcReason, string>> = {
  PodGone: 'the pod is gone',
  PodReplaced: 'a newer pod has the name of the pod that held it',
  OwnerGone: 'its StatefulSet or virtual machine will not use it again',
  PodTerminating: 'the pod is terminating and its grace period is over',
  PodFinished: 'the pod has finished and its grace period is over',
  NoPodIPs: 'the pod runs and its status has no address',
  ConflictOver: 'another host answered for it; the next ADD probes the network again',
  NotRecorded: 'no record of the pod names it: its ADD did not complete',
}

export class GcEvents {
  /** By pool and reason. */
  #batches = new Map<string, { readonly why: GcReason; readonly pool: string; readonly addresses: SpiderIPAddress[] }>()
  #flush = (): void => undefined

  add(address: SpiderIPAddress, why: GcReason, cache: CacheReader, context: ReconcileContext): void {
    const { pool, pod } = address.spec
    context.log.info(`reclaimed ${address.spec.address} of pool ${pool}: ${BECAUSE[why]}`, { pod, why })
    if (this.#batches.size === 0) {
      this.#flush = () => this.#recordAll(cache, context)
      context.after(GATHER_MS, () => this.flush())
    }
    const key = `${pool}/${why}`
    const batch = this.#batches.get(key) ?? { why, pool, addresses: [] }
    batch.addresses.push(address)
    this.#batches.set(key, batch)
  }

  /** Writes the batch now, so that none is lost when leadership ends. */
  flush(): void {
    this.#flush()
  }

  #recordAll(cache: CacheReader, context: ReconcileContext): void {
    const batches = [...this.#batches.values()]
    this.#batches = new Map()
    for (const { why, pool: name, addresses } of batches) {
      const uid = cache.of(POOLS).get(name)?.metadata.uid
      const about = { apiVersion: SPIDERPOOL_API, kind: 'SpiderIPPool', name, ...(uid !== undefined && { uid }) }
      for (const message of messagesOf(addresses, why))
        context.recordEvent({ regarding: about, type: 'Normal', reason: `Reclaimed${why}`, message })
    }
  }
}

/** One address names its pod; more are written as ranges, in as many messages as needed. */
export function messagesOf(addresses: readonly SpiderIPAddress[], why: GcReason): readonly string[] {
  const [first] = addresses
  if (first && addresses.length === 1) {
    const { pod, address, nic } = first.spec
    return [
      `reclaimed ${address} of pod ${pod.namespace}/${pod.name} (UID ${pod.uid}, interface ${nic}): ${BECAUSE[why]}`,
    ]
  }
  const ips = addresses.flatMap(({ spec }) => parsePrefix(spec.address)?.ip ?? [])
  const texts = ([4, 6] as const).flatMap(family => rangesOf(ips, family))
  return chunks(texts).map(listed => `reclaimed ${listed}: ${BECAUSE[why]}`)
}

function rangesOf(ips: readonly Ip[], family: Family): readonly string[] {
  const values = ips.filter(ip => familyOf(ip) === family).map(toBigint)
  return formatRanges(normal(values.map(value => ({ first: value, last: value }))), family)
}

function chunks(texts: readonly string[]): readonly string[] {
  const joined: string[] = []
  for (const text of texts) {
    const last = joined.at(-1)
    if (last !== undefined && last.length + text.length + 2 <= LISTED_LENGTH_MAX)
      joined[joined.length - 1] = `${last}, ${text}`
    else joined.push(text)
  }
  return joined
}
