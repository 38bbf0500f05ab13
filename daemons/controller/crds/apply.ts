// Applies the CRDs of this build at the start of the controller: Helm installs those of its crds/
// once and never updates or adds one.
import type { Kube } from '../../../lib/kube/client.js'
import { isAlreadyExists, isConflict, isNotFound, KubeError } from '../../../lib/kube/errors.js'
import { CRDS } from '../../../lib/kube/kinds.js'
import type { Log } from '../../../lib/log.js'
import { crdPlan, type Crd } from './decide.js'

export interface CrdDeps {
  readonly kube: Kube
  readonly log: Log
  readonly version: string
  readonly sleep: (ms: number) => Promise<void>
}

const TRIES_MAX = 3
const ESTABLISHED_TRIES = 50
const ESTABLISHED_PAUSE_MS = 100

/**
 * Creates missing CRDs and updates older ones, and waits until they are served. A failure is logged
 * and not thrown: with the CRDs of an administrator the controller needs no right to write them.
 */
export async function applyCrds(crds: readonly Crd[], deps: CrdDeps): Promise<void> {
  for (const crd of crds)
    try {
      await applyCrd(crd, deps)
    } catch (error) {
      if (!(error instanceof KubeError)) throw error
      deps.log.warn(`CRD ${crd.metadata.name} is not applied: ${error.message}`)
    }
}

async function applyCrd(own: Crd, { kube, log, version, sleep }: CrdDeps): Promise<void> {
  const { name } = own.metadata
  for (let tries = 1; ; tries++)
    try {
      const plan = crdPlan(own, await crdNamed(kube, name), version)
      if (plan.kind === 'current') return
      if (plan.kind === 'left') return log.warn(`CRD ${name} is left unchanged: ${plan.reason}`)
      await (plan.kind === 'create' ? kube.create<Crd>(CRDS, plan.crd) : kube.replace<Crd>(CRDS, plan.crd))
      log.info(`CRD ${name} ${plan.kind === 'create' ? 'created' : 'updated'}`)
      return await established(kube, name, sleep)
    } catch (error) {
      // Another replica writes at the same moment.
      if (tries >= TRIES_MAX || !(isConflict(error) || isAlreadyExists(error))) throw error
    }
}

async function crdNamed(kube: Kube, name: string): Promise<Crd | undefined> {
  try {
    return await kube.get<Crd>(CRDS, { name })
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

async function established(kube: Kube, name: string, sleep: CrdDeps['sleep']): Promise<void> {
  for (let tries = 0; tries < ESTABLISHED_TRIES; tries++) {
    const { status } = await kube.get<Crd>(CRDS, { name })
    if (status?.conditions?.some(one => one.type === 'Established' && one.status === 'True') === true) return
    await sleep(ESTABLISHED_PAUSE_MS)
  }
}
