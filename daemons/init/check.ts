// `spiderpool-init check`, the pod of `helm test`: whether the installation can give addresses.
import { SPIDERPOOL_API } from '../../lib/crd/names.js'
import { messageOf } from '../../lib/errors.js'
import type { Kube } from '../../lib/kube/client.js'
import { isInvalid } from '../../lib/kube/errors.js'
import {
  DAEMONSETS,
  DEPLOYMENTS,
  SPIDER_COORDINATORS,
  SPIDER_IPADDRESSES,
  SPIDER_IPPOOLS,
} from '../../lib/kube/kinds.js'
import type { Log } from '../../lib/log.js'
import type { InitEnv } from './plan.js'

interface Counted {
  readonly status?: {
    readonly readyReplicas?: number
    readonly desiredNumberScheduled?: number
    readonly numberReady?: number
  }
}

/** @throws Error a sentence for each check that fails */
export async function check(kube: Kube, env: InitEnv, log: Log): Promise<void> {
  const namespace = env['SPIDERPOOL_NAMESPACE'] ?? ''
  const [controller, agent] = [env['SPIDERPOOL_CONTROLLER_NAME'] ?? '', env['SPIDERPOOL_AGENT_NAME'] ?? '']
  const coordinator = env['SPIDERPOOL_INIT_DEFAULT_COORDINATOR_NAME'] ?? ''
  const failures: string[] = []
  const checked = async (what: string, run: () => Promise<string>): Promise<void> => {
    try {
      log.info(`${what}: ${await run()}`)
    } catch (error) {
      failures.push(`${what}: ${messageOf(error)}`)
    }
  }
  await checked('kinds', () => listed(kube))
  await checked(`Deployment ${controller}`, () => isControllerReady(kube, { namespace, name: controller }))
  await checked(`DaemonSet ${agent}`, () => areAgentsReady(kube, { namespace, name: agent }))
  await checked('webhooks', () => isRefused(kube))
  if (coordinator !== '') await checked(`SpiderCoordinator ${coordinator}`, () => isSynced(kube, coordinator))
  if (failures.length > 0) throw new Error(failures.join('; '))
}

type Ref = Readonly<Record<'namespace' | 'name', string>>

async function listed(kube: Kube): Promise<string> {
  for (const kind of [SPIDER_IPPOOLS, SPIDER_IPADDRESSES]) await kube.list(kind, { limit: 1, resourceVersion: '0' })
  return 'served'
}

async function isControllerReady(kube: Kube, ref: Ref): Promise<string> {
  const { status } = await kube.get<Counted>(DEPLOYMENTS, ref)
  const ready = status?.readyReplicas ?? 0
  if (ready === 0) throw new Error('no replica is ready')
  return `${ready} ready`
}

async function areAgentsReady(kube: Kube, ref: Ref): Promise<string> {
  const { status } = await kube.get<Counted>(DAEMONSETS, ref)
  const [ready, desired] = [status?.numberReady ?? 0, status?.desiredNumberScheduled ?? 0]
  if (desired === 0 || ready < desired) throw new Error(`${ready} of ${desired} are ready`)
  return `${ready} of ${desired} ready`
}

/** A pool without a valid subnet: the answer comes from the webhooks, and nothing is stored. */
async function isRefused(kube: Kube): Promise<string> {
  const object = {
    apiVersion: SPIDERPOOL_API,
    kind: 'SpiderIPPool',
    metadata: { name: 'spiderpool-helm-test' },
    spec: { subnet: '192.0.2.0/24', ips: ['198.51.100.1'] }, // RFC 5737
  }
  try {
    await kube.create(SPIDER_IPPOOLS, object, { dryRun: true })
  } catch (error) {
    if (isInvalid(error)) return 'answer'
    throw error
  }
  throw new Error('a pool with an address outside its subnet was accepted; the webhook configurations are missing')
}

async function isSynced(kube: Kube, name: string): Promise<string> {
  interface Coordinator {
    readonly status?: { readonly phase?: string; readonly reason?: string }
  }
  const { status } = await kube.get<Coordinator>(SPIDER_COORDINATORS, { name })
  if (status?.phase !== 'Synced') throw new Error(`phase ${status?.phase ?? 'unset'}: ${status?.reason ?? ''}`)
  return 'Synced'
}
