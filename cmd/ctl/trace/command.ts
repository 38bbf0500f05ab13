// `trace pod`: why a pod has no address, or these. Runs the ADD of lib/ipam without its writes.
import type { Event, Pod, SpiderIPPool, SpiderReservedIP } from '../../../lib/crd/types.js'
import type { SpiderCoordinator } from '../../../lib/crd/coordinator.js'
import { COORDINATOR_NAME } from '../../../lib/coordinator/cluster-config.js'
import { messageOf } from '../../../lib/errors.js'
import { unknownAnnotationsIn } from '../../../lib/ipam/pools/annotation-keys.js'
import { sentencesOf } from '../../../lib/ipam/pools/annotation-typos.js'
import { interfacesOf } from '../../../lib/ipam/pools/multus-network.js'
import { kubeStore } from '../../../lib/ipam/store/kube.js'
import { isAlive, uidOf } from '../../../lib/ipam/store/pod.js'
import type { Store } from '../../../lib/ipam/store/store.js'
import {
  EVENTS,
  PODS,
  SPIDER_COORDINATORS,
  SPIDER_IPADDRESSES,
  SPIDER_IPPOOLS,
  SPIDER_RESERVEDIPS,
} from '../../../lib/kube/kinds.js'
import type { Cluster } from '../cluster.js'
import { printValue, type CtlCommand, type CtlContext } from '../context.js'
import { byPool, type AddressMeta } from '../facts.js'
import { installation } from '../installation.js'
import { podRefOf } from '../names.js'
import { CtlError } from '../status.js'
import { lastErrorOf, podOfManifest, remedyFor, UNBORN_UID } from './decide.js'
import { dryStore } from './dry-store.js'
import { logLines } from './node-log.js'
import { traceInterface, type Trace, type TraceContext, type TracedInterface } from './interface.js'
import { traceText } from './text.js'

interface TraceOptions {
  readonly as?: string
  readonly node?: string
  readonly logDir?: string
}

const LOG_DIR = '/var/log/spidernet'

/** `trace pod NAMESPACE/NAME`, or `trace pod --as FILE`. */
export const tracePod: CtlCommand<TraceOptions> = async (context, [name], options) => {
  const pod = options.as === undefined ? await livePod(name ?? '', context) : manifestPod(options.as, options, context)
  const { name: podName, namespace = 'default' } = pod.metadata
  const isReal = uidOf(pod) !== UNBORN_UID
  const nodeLog = isReal ? logLines(options.logDir ?? LOG_DIR, { namespace, name: podName }) : []
  const trace: Trace = { ...(await traceOf(pod, context.cluster)), nodeLog }
  if (context.format === 'name') context.print(`pod/${pod.metadata.name}\n`)
  else if (!printValue(context, trace)) context.print(traceText(trace, context))
  return trace.interfaces.length > 0 && trace.interfaces.every(({ verdict }) => verdict.kind === 'address')
    ? 'ok'
    : 'no'
}

async function livePod(name: string, { cluster }: CtlContext): Promise<Pod> {
  if (name === '')
    throw new CtlError('usage', 'the pod is missing; write NAMESPACE/NAME, or --as FILE with its manifest')
  const ref = podRefOf(name, cluster.namespace)
  const pod = await cluster.find<Pod>(PODS, ref)
  if (pod) return pod
  throw new CtlError('usage', `there is no pod ${ref.namespace}/${ref.name}; see kubectl get pods -n ${ref.namespace}`)
}

function manifestPod(path: string, { node = '' }: { readonly node?: string }, context: CtlContext): Pod {
  let value: unknown
  try {
    value = context.yaml.parse(context.readFile(path))
  } catch (error) {
    throw new CtlError('usage', `--as ${path} cannot be read: ${messageOf(error).split('\n')[0]}`, { cause: error })
  }
  // Of several documents the one that has pods.
  const documents: readonly unknown[] = Array.isArray(value) ? value : [value]
  const read = documents.map(one => podOfManifest(one, { namespace: context.cluster.namespace, node }))
  const pod = read.find(one => typeof one !== 'string')
  if (pod) return pod
  throw new CtlError('usage', `--as ${path}: ${String(read[0] ?? 'it is empty')}`)
}

/** The trace of a pod, without the logs of its node. */
export async function traceOf(pod: Pod, cluster: Cluster): Promise<Omit<Trace, 'nodeLog'>> {
  const { name, namespace = 'default' } = pod.metadata
  const isReal = uidOf(pod) !== UNBORN_UID
  const [pools, reserved, addresses, coordinator, events, agent] = await Promise.all([
    cluster.all<SpiderIPPool>(SPIDER_IPPOOLS),
    cluster.all<SpiderReservedIP>(SPIDER_RESERVEDIPS),
    cluster.all<AddressMeta>(SPIDER_IPADDRESSES, { metadataOnly: true }),
    cluster.ifAllowed(
      SPIDER_COORDINATORS,
      cluster.find<SpiderCoordinator>(SPIDER_COORDINATORS, { name: COORDINATOR_NAME }),
    ),
    isReal ? eventsOf({ namespace, name }, cluster) : [],
    installation(cluster),
  ])
  // What is here is not read again.
  const reading: Store = {
    ...kubeStore(cluster.kube),
    pools: () => Promise.resolve(pools),
    reservedIPs: () => Promise.resolve(reserved),
  }
  const store = dryStore(reading, {
    pod,
    poolsWith: labels =>
      Promise.resolve(
        pools.filter(({ metadata }) =>
          Object.entries(labels).every(([key, value]) => (metadata.labels?.[key] ?? '') === value),
        ),
      ),
  })
  const context: TraceContext = {
    ...{ cluster, pod, store, pools, reserved, ...agent },
    addresses: byPool(addresses),
    namespace: await reading.namespace(namespace),
  }
  const last = lastErrorOf(events, uidOf(pod))
  return {
    pod: `${namespace}/${name}`,
    node: pod.spec?.nodeName ?? '',
    notes: notesOf(pod),
    coordinator: { phase: coordinator?.status?.phase ?? 'missing', reason: coordinator?.status?.reason ?? '' },
    interfaces: await interfaces(context),
    lastError: last && {
      ...{ at: last.lastTimestamp, reason: last.reason, message: last.message },
      remedy: remedyFor(last.message),
    },
  }
}

/** One after the other, since a later interface finds the record of an earlier one. */
async function interfaces(context: TraceContext): Promise<readonly TracedInterface[]> {
  const traced: TracedInterface[] = []
  if (context.pod.spec?.hostNetwork === true) return traced
  for (const nic of interfacesOf(context.pod)) traced.push(await traceInterface(nic, context))
  return traced
}

function notesOf(pod: Pod): readonly string[] {
  const { metadata, spec } = pod
  const typos = sentencesOf(unknownAnnotationsIn(metadata.annotations), `pod ${metadata.namespace}/${metadata.name}`)
  return [
    ...(spec?.hostNetwork === true ? ['the pod has hostNetwork: no CNI plugin runs for it'] : []),
    ...((spec?.nodeName ?? '') === '' ? ['the pod has no node yet: pools for certain nodes are dropped'] : []),
    ...(isAlive(pod) ? [] : ['the pod is terminating or has ended']),
    ...typos,
  ]
}

async function eventsOf(
  { namespace, name }: { readonly namespace: string; readonly name: string },
  cluster: Cluster,
): Promise<readonly Event[]> {
  const fieldSelector = `involvedObject.kind=Pod,involvedObject.name=${name}`
  return (await cluster.ifAllowed(EVENTS, cluster.all<Event>(EVENTS, { namespace, fieldSelector }))) ?? []
}
