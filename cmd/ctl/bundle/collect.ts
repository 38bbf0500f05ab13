// Collects a support archive's files: objects, Events, versions, logs. A part that cannot be read
// is a line in missing.txt.
import { AGENT, LABEL_COMPONENT } from '../../../lib/crd/names.js'
import type { Event } from '../../../lib/crd/types.js'
import { messageOf } from '../../../lib/errors.js'
import {
  CONFIGMAPS,
  CRDS,
  DAEMONSETS,
  DEPLOYMENTS,
  EVENTS,
  LEASES,
  MUTATING_WEBHOOKS,
  NADS,
  NODES,
  objectPath,
  PODS,
  query,
  SPIDER_COORDINATORS,
  SPIDER_ENDPOINTS,
  SPIDER_IPADDRESSES,
  SPIDER_IPPOOLS,
  SPIDER_MULTUSCONFIGS,
  SPIDER_RESERVEDIPS,
  SPIDER_SUBNETS,
  VALIDATING_WEBHOOKS,
  type Kind,
} from '../../../lib/kube/kinds.js'
import type { ListOptions } from '../../../lib/kube/list.js'
import { versionOf } from '../../../lib/version.js'
import type { Cluster } from '../cluster.js'
import { CONFIGMAP, installed, INSTALLED_NAMESPACE } from '../installation.js'
import { redacted, redactedText } from './decide.js'

/** By path in the archive. */
export type Files = Map<string, string>

const OURS = [
  ...[SPIDER_IPPOOLS, SPIDER_IPADDRESSES, SPIDER_ENDPOINTS, SPIDER_RESERVEDIPS, SPIDER_SUBNETS],
  ...[SPIDER_COORDINATORS, SPIDER_MULTUSCONFIGS, NADS, NODES],
]
const COMPONENTS = ['spiderpool-controller', AGENT, 'spiderpool-init']
const componentSelector = `${LABEL_COMPONENT} in (${COMPONENTS.join(',')})`
/** Others' objects: only those that concern Spiderpool. */
const CONCERNING = /spider|multus|k8s\.cni\.cncf\.io/i

interface Named {
  readonly metadata: { readonly name: string; readonly namespace?: string }
}

/** The archive's files; what is missing is said in missing.txt. */
export async function collected(cluster: Cluster, { now }: { readonly now: number }): Promise<Files> {
  const files: Files = new Map()
  const missing: string[] = []
  const attempt = async <T>(what: string, doing: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await doing()
    } catch (error) {
      missing.push(`${what}: ${messageOf(error)}`)
      return undefined
    }
  }
  const objects = async (kind: Kind, options: ListOptions = {}, keep = (_: Named): boolean => true): Promise<void> => {
    const items = await attempt(kind.plural, () => cluster.all<Named>(kind, options))
    if (items) files.set(`objects/${kind.plural}.json`, json(items.filter(keep)))
  }
  const isConcerning = ({ metadata }: Named): boolean => CONCERNING.test(metadata.name)
  for (const kind of OURS) await objects(kind)
  for (const kind of [CRDS, MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS, LEASES]) await objects(kind, {}, isConcerning)
  for (const kind of [DEPLOYMENTS, DAEMONSETS]) await objects(kind, { labelSelector: componentSelector })
  const namespace = (await installed(cluster, DAEMONSETS, AGENT))?.namespace ?? INSTALLED_NAMESPACE
  const map = await attempt(`configmap ${CONFIGMAP}`, () =>
    cluster.kube.get(CONFIGMAPS, { namespace, name: CONFIGMAP }),
  )
  if (map !== undefined) files.set(`objects/${CONFIGMAPS.plural}.json`, json([map]))
  const events = await attempt('events', () => cluster.all<Event>(EVENTS))
  if (events) files.set('events.json', json(events.filter(isAboutUs)))
  const server = await attempt('version of the API server', () => cluster.text('/version'))
  if (server !== undefined) files.set('server-version.json', server)
  const pods = await attempt('pods of Spiderpool', () =>
    cluster.all<OurPod>(PODS, { labelSelector: componentSelector }),
  )
  if (pods) files.set('objects/pods.json', json(pods))
  for (const pod of pods ?? []) await logsOf(pod, { cluster, files, attempt })
  files.set('version.txt', `${versionOf('spiderpoolctl')}\nmade at ${new Date(now).toISOString()}\n`)
  if (missing.length > 0) files.set('missing.txt', `${missing.map(redactedText).join('\n')}\n`)
  return files
}

const json = (value: unknown): string => `${JSON.stringify(redacted(value), null, 1)}\n`

/** Ours, those about our objects, and sandboxes that could not be set up. */
const isAboutUs = ({ source, involvedObject, reason }: Event): boolean =>
  /spider/i.test(`${source?.component ?? ''} ${involvedObject.kind} ${involvedObject.name}`) ||
  reason === 'FailedCreatePodSandBox'

interface OurPod extends Named {
  readonly spec?: { readonly containers?: readonly { readonly name: string }[] }
  readonly status?: {
    readonly containerStatuses?: readonly { readonly name: string; readonly restartCount?: number }[]
  }
}

const LINES_MAX = 5_000
const BYTES_MAX = 4 * 1024 * 1024

interface Logging {
  readonly cluster: Cluster
  readonly files: Files
  readonly attempt: <T>(what: string, doing: () => Promise<T>) => Promise<T | undefined>
}

/** The last lines of each container, and of the one before where it was restarted. */
async function logsOf({ metadata, spec, status }: OurPod, { cluster, files, attempt }: Logging): Promise<void> {
  for (const { name: container } of spec?.containers ?? []) {
    const restarts = status?.containerStatuses?.find(one => one.name === container)?.restartCount ?? 0
    for (const previous of restarts > 0 ? [false, true] : [false]) {
      const options = { container, tailLines: LINES_MAX, limitBytes: BYTES_MAX, timestamps: true }
      const path = `${objectPath(PODS, metadata)}/log${query({ ...options, ...(previous && { previous }) })}`
      const file = `logs/${metadata.namespace ?? ''}_${metadata.name}_${container}${previous ? '.previous' : ''}.log`
      const text = await attempt(file, () => cluster.text(path))
      if (text !== undefined) files.set(file, redactedText(text))
    }
  }
}
