// Reconciles NetworkAttachmentDefinitions with their SpiderMultusConfigs.
import { switchesIn } from '../../../../lib/ipam/switches.js'
import { SPIDERPOOL_API } from '../../../../lib/crd/names.js'
import type { NetworkAttachmentDefinition, SpiderMultusConfig } from '../../../../lib/crd/multusconfig.js'
import { NADS as NAD_KIND, SPIDER_MULTUSCONFIGS } from '../../../../lib/kube/kinds.js'
import { nadName, nadOf, OURS, UPSTREAM } from './decide.js'
import { differenceOf, isOwnedBy, otherOwner } from './difference.js'
import { watchOf, type ReconcileContext, type Reconciler, type Watch } from '../../runtime/reconciler.js'
import type { ReconcileResult } from '../../runtime/workqueue.js'
import type { ReconcilerDeps } from '../deps.js'
import { keyOf, source, type CacheReader } from '../../../runtime/lister.js'

export const MULTUSCONFIGS = source<SpiderMultusConfig, 'nad'>({
  kind: SPIDER_MULTUSCONFIGS,
  indexes: { nad: smc => [keyOf({ metadata: { ...smc.metadata, name: nadName(smc) } })] },
})

export const NADS = source<NetworkAttachmentDefinition, 'owner'>({
  kind: NAD_KIND,
  optional: true, // Multus may not be installed
  indexes: {
    /** `namespace/name` of the SpiderMultusConfig. */
    owner: ({ metadata }) =>
      (metadata.ownerReferences ?? [])
        .filter(({ kind }) => kind === 'SpiderMultusConfig')
        .map(({ name }) => `${metadata.namespace ?? ''}/${name}`),
  },
})

/** A definition that is deleted or edited requeues the config of its name and its owner. */
const WATCHES: readonly Watch[] = [
  watchOf(MULTUSCONFIGS, smc => [keyOf(smc)]),
  watchOf(NADS, (nad, cache) => [
    ...cache.of(MULTUSCONFIGS).by('nad', keyOf(nad)).map(keyOf),
    ...(nad.metadata.ownerReferences ?? [])
      .filter(({ kind }) => kind === 'SpiderMultusConfig')
      .map(({ name }) => `${nad.metadata.namespace ?? ''}/${name}`),
  ]),
]

/**
 * The reconciler. `upstreamCNINames: true` of conf.yml writes the plugin names `macvlan` and
 * `spiderpool`.
 */
export const nads = ({ conf }: ReconcilerDeps): Reconciler => {
  // A Go system's agent has the switches from the ConfigMap, and its executables know no such keys.
  const names = conf.raw['upstreamCNINames'] === true ? UPSTREAM : { ...OURS, switches: switchesIn(conf.raw) }
  return {
    name: 'nad',
    needsLeadership: true,
    maxConcurrent: 4,
    watches: WATCHES,
    async reconcile(key, cache, context): Promise<ReconcileResult> {
      const smc = cache.of(MULTUSCONFIGS).get(key)
      // The API server's garbage collector deletes a definition with its owner.
      if (!smc || smc.metadata.deletionTimestamp !== undefined || !cache.isServed(NADS)) return undefined
      let desired: NetworkAttachmentDefinition
      try {
        desired = nadOf(smc, names)
      } catch (error) {
        return void reportInvalid(smc, `no NetworkAttachmentDefinition can be made: ${String(error)}`, context)
      }
      return void (await syncNad(smc, desired, cache, context))
    },
  }
}

function reportInvalid({ metadata }: SpiderMultusConfig, message: string, context: ReconcileContext): void {
  const { namespace = '', name, uid = '' } = metadata
  const about = { apiVersion: SPIDERPOOL_API, kind: 'SpiderMultusConfig', namespace, name, uid }
  context.log.warn(message, { multusConfig: `${namespace}/${name}` })
  context.recordEvent({ regarding: about, type: 'Warning', reason: 'InvalidConfig', message })
}

async function syncNad(
  smc: SpiderMultusConfig,
  desired: NetworkAttachmentDefinition,
  cache: CacheReader,
  context: ReconcileContext,
): Promise<void> {
  const existing = cache.of(NADS)
  for (const stale of existing.by('owner', keyOf(smc)))
    if (keyOf(stale) !== keyOf(desired) && isOwnedBy(stale, smc)) await remove(stale, context)
  const current = existing.get(keyOf(desired))
  if (!current) return void (await context.kube.create(NAD_KIND, desired))
  if (current.metadata.deletionTimestamp !== undefined) return // its delete event requeues the key
  const other = otherOwner(current, smc)
  if (other !== undefined)
    return reportInvalid(
      smc,
      `NetworkAttachmentDefinition ${keyOf(current)} belongs to SpiderMultusConfig ${other}`,
      context,
    )
  const changed = differenceOf(current, desired)
  if (changed) await context.kube.replace(NAD_KIND, changed)
}

async function remove({ metadata }: NetworkAttachmentDefinition, { kube }: ReconcileContext): Promise<void> {
  const { namespace = '', name, uid, resourceVersion } = metadata
  await kube.delete(NAD_KIND, { namespace, name }, { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) })
}
