// Parts of a trace: sources in their order, confs of networks, errors with their remedies. Pure.
import type { Event, Pod } from '../../../lib/crd/types.js'
import { REFUSALS, type RefusalName } from '../../../lib/ipam/errors.js'
import { keysOf } from '../../../lib/ipam/json-keys.js'
import { switchesIn } from '../../../lib/ipam/switches.js'
import {
  ANNOTATION_IPPOOL,
  ANNOTATION_IPPOOLS,
  ANNOTATION_NAMESPACE_IPV4,
  ANNOTATION_NAMESPACE_IPV6,
  ANNOTATION_SUBNET,
  ANNOTATION_SUBNETS,
} from '../../../lib/crd/names.js'

type Annotations = Readonly<Record<string, string>>

export interface PoolSourceRow {
  readonly source: string
  /** '' where it names nothing. */
  readonly value: string
  /** The first source with a value. */
  readonly used: boolean
}

export interface SourceInput {
  readonly pod: Pod
  readonly namespace: Annotations
  readonly ipv4: readonly string[]
  readonly ipv6: readonly string[]
  readonly defaults: readonly string[]
  /** False where the switch enableSpiderSubnet is off. */
  readonly subnets: boolean
}

/** The sources of pool names in the order of lib/ipam/pools: only the first is used. */
export function sourcesOf({ pod, namespace, ipv4, ipv6, defaults, subnets }: SourceInput): readonly PoolSourceRow[] {
  const { annotations = {} } = pod.metadata
  const ofPod = (key: string): Omit<PoolSourceRow, 'used'> => ({
    source: `pod annotation ${key}`,
    value: annotations[key] ?? '',
  })
  const ofNamespace = [ANNOTATION_NAMESPACE_IPV4, ANNOTATION_NAMESPACE_IPV6].flatMap(key =>
    namespace[key] === undefined ? [] : [`${key}: ${namespace[key]}`],
  )
  const ofConf = [
    ...(ipv4.length > 0 ? [`default_ipv4_ippool ${JSON.stringify(ipv4)}`] : []),
    ...(ipv6.length > 0 ? [`default_ipv6_ippool ${JSON.stringify(ipv6)}`] : []),
  ]
  const rows = [
    ...(subnets ? [ofPod(ANNOTATION_SUBNETS), ofPod(ANNOTATION_SUBNET)] : []),
    ofPod(ANNOTATION_IPPOOLS),
    ofPod(ANNOTATION_IPPOOL),
    { source: 'annotations of the Namespace', value: ofNamespace.join(', ') },
    { source: "conf of the interface's network", value: ofConf.join(', ') },
    { source: 'pools with spec.default', value: defaults.join(', ') },
  ]
  const first = rows.findIndex(({ value }) => value !== '')
  return rows.map((row, at) => ({ ...row, used: at === first }))
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const fieldOf = (value: unknown, key: string): unknown => (isObject(value) ? keysOf(value).get(key) : undefined)

/** Plugin types that are our IPAM. */
const OUR_IPAM = ['spiderpool', 'spiderpool-ipam']

/** The conf of the plugin that runs our IPAM, or a sentence why there is none. */
export function ipamPluginConf(config: string, switches: Readonly<Record<string, unknown>>): object | string {
  let conf: unknown
  try {
    conf = JSON.parse(config)
  } catch {
    return 'its spec.config is not JSON'
  }
  const listed = fieldOf(conf, 'plugins')
  const plugins: readonly unknown[] = Array.isArray(listed) ? listed : [conf]
  const own = plugins.find(one => OUR_IPAM.includes(String(fieldOf(fieldOf(one, 'ipam'), 'type') ?? '')))
  if (own === undefined) {
    const types = plugins.map(one => String(fieldOf(fieldOf(one, 'ipam'), 'type') ?? 'none')).join(', ')
    return `its conf does not have ipam.type spiderpool (it has: ${types}); Spiderpool gives this interface no address`
  }
  const ipam = fieldOf(own, 'ipam') as object
  const set = keysOf(ipam)
  const added = Object.entries(switchesIn(switches)).filter(([key]) => !set.has(key.toLowerCase()))
  const name = fieldOf(own, 'name') ?? fieldOf(conf, 'name')
  return { ...(own as object), name, ipam: { ...ipam, ...Object.fromEntries(added) } }
}

/** A sentence of the registry, by the words that it has always. */
const WORDS: readonly (readonly [RegExp, RefusalName])[] = [
  [/wrong input: .*is in the subnet of no interface/, 'routeFitsNothing'],
  [/wrong input: /, 'wrongInput'],
  [/no pool was made for|several pools are there for/, 'poolNotMade'],
  [/no IPPool available/, 'noPool'],
  [/all IP addresses used out in pool/, 'exhausted'],
  [/exhaust all retries/, 'contended'],
  [/no Interface \S+ IP allocation found/, 'noAddress'],
  [/was written by others at the same moment/, 'recordContended'],
  [/\(K8S_POD_UID\): it was replaced/, 'podReplaced'],
  [/\(K8S_POD_NAMESPACE, K8S_POD_NAME\) does not exist/, 'podMissing'],
  [/is terminating or has ended; it gets no address/, 'podEnded'],
  [/ip conflict: pod's interface/, 'ipConflict'],
  [/gateway \S+ is unreachable/, 'gatewayUnreachable'],
  [/rejects the (token|client certificate)|Unauthorized/, 'unauthorized'],
]

export interface Remedy {
  readonly name: RefusalName
  readonly code: number
  readonly todo: string
}

/** Code and remedy of a refusal. */
export const remedyOf = (name: RefusalName): Remedy => ({ name, code: REFUSALS[name].code, todo: REFUSALS[name].todo })

/** The remedy of an error's sentence; undefined for one that is not of the registry. */
export function remedyFor(message: string): Remedy | undefined {
  const found = WORDS.find(([words]) => words.test(message))
  return found && remedyOf(found[1])
}

/** Reasons of Events about a pod's network: ours, and the kubelet's. */
const REASONS = ['FailedIPAllocation', 'IPConflict', 'GatewayUnreachable', 'FailedCreatePodSandBox']

/** The latest Event about the network of the pod with this UID. */
export function lastErrorOf(events: readonly Event[], uid: string): Event | undefined {
  const own = events.filter(
    ({ reason, type, involvedObject }) =>
      type === 'Warning' &&
      REASONS.includes(reason) &&
      (involvedObject.uid === undefined || involvedObject.uid === uid),
  )
  return [...own].sort((a, b) => (a.lastTimestamp < b.lastTimestamp ? 1 : -1))[0]
}

interface Template {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata?: { readonly name?: string; readonly namespace?: string }
  readonly spec?: object
}

/** UID of a pod that does not exist. */
export const UNBORN_UID = '00000000-0000-0000-0000-000000000000'

/**
 * The pod of a manifest: a Pod, or the first pod of a Deployment, StatefulSet, DaemonSet or Job. A
 * sentence where it is neither.
 */
export function podOfManifest(
  value: unknown,
  { namespace, node }: { readonly namespace: string; readonly node: string },
): Pod | string {
  if (!isObject(value)) return 'it is not an object of Kubernetes'
  const { apiVersion = '', kind = '', metadata = {}, spec = {} } = value as Template
  const place = (of: object): Pod => {
    const pod = of as Partial<Pod>
    const nodeName = node || (pod.spec?.nodeName ?? '')
    const own = { name: metadata.name ?? 'pod', namespace: metadata.namespace ?? namespace, uid: UNBORN_UID }
    return { metadata: { ...pod.metadata, ...own }, spec: { ...pod.spec, ...(nodeName !== '' && { nodeName }) } }
  }
  if (kind === 'Pod') return place(value)
  const template = (spec as { readonly template?: object }).template
  if (template === undefined)
    return `it is a ${kind || 'thing without kind'}; write a Pod, or a controller with spec.template`
  const pod = place(template)
  const owner = { apiVersion, kind, name: metadata.name ?? '', uid: UNBORN_UID, controller: true }
  const name = kind === 'StatefulSet' ? `${owner.name}-0` : owner.name
  return { ...pod, metadata: { ...pod.metadata, name, ownerReferences: [owner] } }
}
