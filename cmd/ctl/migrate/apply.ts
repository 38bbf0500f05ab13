// Writes the steps of a migration: pools, disabled, first; then addresses; then what is extended.
import type { SpiderIPPool } from '../../../lib/crd/types.js'
import { familyOf, objectNameOf, toBigint } from '../../../lib/ip/address.js'
import { addressObject } from '../../../lib/ipam/allocation/address-object.js'
import { poolOf } from '../../../lib/ipam/allocation/pool.js'
import { kubeStore } from '../../../lib/ipam/store/kube.js'
import type { Features } from '../../../lib/ipam/store/retention.js'
import type { Store } from '../../../lib/ipam/store/store.js'
import { KubeError } from '../../../lib/kube/errors.js'
import { SPIDER_IPPOOLS } from '../../../lib/kube/kinds.js'
import type { Cluster } from '../cluster.js'
import { installation } from '../installation.js'
import { writeReservation } from '../reserve/command.js'
import type { MigrationWrite } from './decide.js'
import type { GoStep } from './go.js'
import { claimantOf, recorded } from './record.js'

export interface MigrationRow extends GoStep {
  /** `written`; `failed: …`; '' for a step that writes nothing. */
  readonly done: string
}

/** The reservation of addresses of a source; docs/migrate.md names it. */
const reservationOf = (source: string, family: number): string => `migrated-${source}-ipv${family}`

/** Which steps come first: an address must have its object before its pool gives it out. */
const RANK = (step: GoStep): number => {
  if (step.write?.kind !== 'pool') return 1
  return step.action === 'create' ? 0 : 2
}

/** Performs the steps one after the other; a failure is reported, and the others are performed. */
export async function applied(
  steps: readonly GoStep[],
  source: string,
  cluster: Cluster,
): Promise<readonly MigrationRow[]> {
  const store = kubeStore(cluster.kube)
  const { switches } = await installation(cluster)
  const features = {
    statefulSet: switches['enableStatefulSet'] ?? true,
    kubevirt: switches['enableKubevirtStaticIP'] ?? true,
  }
  const done = new Map<GoStep, string>()
  const order = [...steps].sort((a, b) => RANK(a) - RANK(b))
  for (const step of order) {
    if (!step.write && !step.adopted) continue
    try {
      done.set(step, await perform(step, { source, cluster, store, features }))
    } catch (error) {
      // Without an answer the rest would wait as long; what is refused is one step.
      if (!(error instanceof KubeError) || error.status === 0) throw error
      done.set(step, `failed: ${error.message}`)
    }
  }
  return steps.map(step => ({ ...step, done: done.get(step) ?? '' }))
}

interface Performing {
  readonly source: string
  readonly cluster: Cluster
  readonly store: Store
  readonly features: Features
}

const WRITTEN = 'written'

async function perform({ write, adopted }: GoStep, performing: Performing): Promise<string> {
  const { store } = performing
  if (adopted?.kind === 'create')
    return (await store.createAddress(adopted.object)).kind === 'held' ? WRITTEN : 'failed: it has been taken meanwhile'
  if (adopted) return (await store.updateAddress(adopted.object)) ? WRITTEN : 'failed: it was changed meanwhile'
  return write ? performWrite(write, performing) : ''
}

async function performWrite(write: MigrationWrite, performing: Performing): Promise<string> {
  const { source, cluster, store } = performing
  switch (write.kind) {
    case 'pool': {
      if (write.pool.metadata.uid === undefined) await cluster.kube.create(SPIDER_IPPOOLS, write.pool)
      else await cluster.kube.replace(SPIDER_IPPOOLS, write.pool)
      return WRITTEN
    }
    case 'reservation': {
      const value = toBigint(write.ip)
      const family = familyOf(write.ip)
      const ranges = { family, ranges: [{ first: value, last: value }] }
      const did = await writeReservation(reservationOf(source, family), ranges, cluster)
      return did.kind === 'refuse' ? `failed: ${did.why}` : WRITTEN
    }
    case 'address': {
      const pool = await store.pool(write.poolName, 'fresh')
      return pool ? createAddress(write, pool, performing) : `failed: there is no SpiderIPPool ${write.poolName}`
    }
  }
}

async function createAddress(
  { of, pod }: Extract<MigrationWrite, { kind: 'address' }>,
  pool: SpiderIPPool,
  performing: Performing,
): Promise<string> {
  const { store } = performing
  const claimant = await claimantOf(pod, of, performing)
  const object = addressObject({ ip: of.ip, pool: poolOf(pool, familyOf(of.ip)), nic: of.nic, claimant })
  const outcome = await store.createAddress(object)
  const holder = outcome.kind === 'held' ? object : await store.address(objectNameOf(of.ip))
  if (holder?.spec.pod.uid !== claimant.uid) return 'failed: it has been taken meanwhile'
  const why = await recorded({ claimant, pool, object, of }, store)
  return why === '' ? WRITTEN : `failed: ${why}`
}
