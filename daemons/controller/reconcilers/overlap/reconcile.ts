// Finds overlapping pools whenever a spec changes, and disables or enables them.
import { SPIDERPOOL_API } from '../../../../lib/crd/names.js'
import { SPIDER_IPPOOLS } from '../../../../lib/kube/kinds.js'
import type { ReconcileResult } from '../../runtime/workqueue.js'
import { disablings } from './decide.js'
import { watchOf, type Reconciler } from '../../runtime/reconciler.js'
import { POOLS } from '../sources.js'

/** One key for all pools, since each may overlap any other. Changes of counts are ignored. */
const ALL = 'pools'
const WATCH = watchOf(
  POOLS,
  () => [ALL],
  ({ object, previous }) =>
    JSON.stringify(object.spec) === JSON.stringify(previous.spec) &&
    JSON.stringify(object.metadata.annotations) === JSON.stringify(previous.metadata.annotations),
)

/** The reconciler of overlapping pools. */
export const overlaps = (): Reconciler => ({
  name: 'overlap',
  needsLeadership: true,
  maxConcurrent: 1,
  watches: [WATCH],
  async reconcile(_, cache, { kube, log, recordEvent }): Promise<ReconcileResult> {
    for (const { pool, annotations, spec, type, reason, message } of disablings([...cache.of(POOLS).all()])) {
      const { name, uid, resourceVersion } = pool.metadata
      await kube.patch(SPIDER_IPPOOLS, { name }, { metadata: { annotations, resourceVersion }, spec }, 'merge')
      const about = { apiVersion: SPIDERPOOL_API, kind: 'SpiderIPPool', name, ...(uid !== undefined && { uid }) }
      log.warn(message, { pool: name, reason })
      recordEvent({ regarding: about, type, reason, message })
    }
    return undefined
  },
})
