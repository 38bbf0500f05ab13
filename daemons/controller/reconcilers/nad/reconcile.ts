// NetworkAttachmentDefinitions: each as its SpiderMultusConfig says, again and again. Performs what reconcile/nad.ts decides.
import { SPIDERPOOL_API } from '../../../../lib/crd/names.js'
import type { NetworkAttachmentDefinition, SpiderMultusConfig } from '../../../../lib/crd/multusconfig.js'
import { NADS as NAD_KIND, SPIDER_MULTUSCONFIGS } from '../../../../lib/kube/kinds.js'
import { nadName, nadOf, OURS, UPSTREAM } from './decide.js'
import { differenceOf, isOwnedBy, otherOwner } from './difference.js'
import { watchOf, type ReconcileContext, type Reconciler, type Watch } from '../../runtime/reconciler.js'
import type { ReconcileResult } from '../../runtime/workqueue.js'
import type { ReconcilerDeps } from '../deps.js'
import { keyOf, source, type CacheReader } from '../../runtime/lister.js'

export const MULTUSCONFIGS = source<SpiderMultusConfig, 'nad'>({
  kind: SPIDER_MULTUSCONFIGS,
  indexes: { nad: smc => [keyOf({ metadata: { ...smc.metadata, name: nadName(smc) } })] },
})

export const NADS = source<NetworkAttachmentDefinition, 'owner'>({
  kind: NAD_KIND,
  optional: true, // a cluster without Multus
  indexes: {
    /** `namespace/name` of the SpiderMultusConfig. */
    owner: ({ metadata }) =>
      (metadata.ownerReferences ?? [])
        .filter(({ kind }) => kind === 'SpiderMultusConfig')
        .map(({ name }) => `${metadata.namespace ?? ''}/${name}`),
  },
})

/** A definition that somebody deletes or edits is looked at because of its name, and because of who owned it. */
const WATCHES: readonly Watch[] = [
  watchOf(MULTUSCONFIGS, smc => [keyOf(smc)]),
  watchOf(NADS, (nad, cache) => [
    ...cache.of(MULTUSCONFIGS).by('nad', keyOf(nad)).map(keyOf),
    ...(nad.metadata.ownerReferences ?? [])
      .filter(({ kind }) => kind === 'SpiderMultusConfig')
      .map(({ name }) => `${nad.metadata.namespace ?? ''}/${name}`),
  ]),
]

/** conf.yml: `upstreamCNINames: true` writes `macvlan` and `spiderpool` into the confs. */
export const nads = ({ conf }: ReconcilerDeps): Reconciler => {
  const names = conf.raw['upstreamCNINames'] === true ? UPSTREAM : OURS
  return {
    name: 'nad',
    needsLeadership: true,
    maxConcurrent: 4,
    watches: WATCHES,
    async reconcile(key, cache, context): Promise<ReconcileResult> {
      const smc = cache.of(MULTUSCONFIGS).get(key)
      // A definition goes with its owner: the API server collects it.
      if (!smc || smc.metadata.deletionTimestamp !== undefined || !cache.isServed(NADS)) return undefined
      let shall: NetworkAttachmentDefinition
      try {
        shall = nadOf(smc, names)
      } catch (error) {
        return void refuse(smc, `no NetworkAttachmentDefinition can be made: ${String(error)}`, context)
      }
      return void (await syncNad(smc, shall, cache, context))
    },
  }
}

function refuse({ metadata }: SpiderMultusConfig, message: string, context: ReconcileContext): void {
  const { namespace = '', name, uid = '' } = metadata
  const about = { apiVersion: SPIDERPOOL_API, kind: 'SpiderMultusConfig', namespace, name, uid }
  context.log.warn(message, { multusConfig: `${namespace}/${name}` })
  context.recordEvent({ regarding: about, type: 'Warning', reason: 'InvalidConfig', message })
}

async function syncNad(
  smc: SpiderMultusConfig,
  shall: NetworkAttachmentDefinition,
  cache: CacheReader,
  context: ReconcileContext,
): Promise<void> {
  const known = cache.of(NADS)
  for (const stale of known.by('owner', keyOf(smc)))
    if (keyOf(stale) !== keyOf(shall) && isOwnedBy(stale, smc)) await remove(stale, context)
  const is = known.get(keyOf(shall))
  if (!is) return void (await context.kube.create(NAD_KIND, shall))
  if (is.metadata.deletionTimestamp !== undefined) return // comes again as deleted
  const other = otherOwner(is, smc)
  if (other !== undefined)
    return refuse(smc, `NetworkAttachmentDefinition ${keyOf(is)} belongs to SpiderMultusConfig ${other}`, context)
  const news = differenceOf(is, shall)
  if (news) await context.kube.replace(NAD_KIND, news)
}

async function remove({ metadata }: NetworkAttachmentDefinition, { kube }: ReconcileContext): Promise<void> {
  const { namespace = '', name, uid, resourceVersion } = metadata
  await kube.delete(NAD_KIND, { namespace, name }, { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) })
}
