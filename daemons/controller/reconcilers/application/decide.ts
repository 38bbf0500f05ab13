// An application's demand on SpiderSubnets, from its pod template, or from its pods where the kind
// is foreign.
import {
  ANNOTATION_IP_NUMBER,
  ANNOTATION_RECLAIM,
  ANNOTATION_SUBNET,
  ANNOTATION_SUBNETS,
} from '../../../../lib/crd/names.js'
import type { ObjectMeta, OwnerReference, Pod } from '../../../../lib/crd/types.js'
import { subnetAnnotation, subnetsAnnotation, type SubnetItem } from '../../../../lib/ipam/pools/annotations.js'
import { Refused, wrongInput } from '../../../../lib/ipam/errors.js'

type Annotations = Readonly<Record<string, string>>

/** The template annotations that are read; a change of any other is ignored. */
export const TEMPLATE_ANNOTATIONS = [ANNOTATION_SUBNET, ANNOTATION_SUBNETS, ANNOTATION_IP_NUMBER, ANNOTATION_RECLAIM]

export interface Template {
  readonly metadata?: { readonly annotations?: Annotations }
  readonly spec?: { readonly hostNetwork?: boolean }
}

/** Deployment, ReplicaSet, StatefulSet, DaemonSet, Job or CronJob, reduced to what is read. */
export interface Workload {
  readonly metadata: ObjectMeta
  readonly spec?: {
    readonly replicas?: number
    readonly ordinals?: { readonly start?: number }
    readonly parallelism?: number
    readonly completions?: number
    readonly template?: Template
    readonly jobTemplate?: { readonly spec?: Workload['spec'] }
  }
  readonly status?: { readonly desiredNumberScheduled?: number }
}

export type WorkloadKind = 'Deployment' | 'ReplicaSet' | 'StatefulSet' | 'DaemonSet' | 'Job' | 'CronJob'

/** An application's identity, as the labels of its pools hold it. */
export interface ApplicationIdentity {
  readonly apiVersion: string
  readonly kind: string
  readonly namespace: string
  readonly name: string
  readonly uid: string
}

export interface Application extends ApplicationIdentity {
  readonly items: readonly SubnetItem[]
  /** Number of addresses of each of its pools. */
  readonly size: number
  /** The requested number as the annotation of its pools has it: `5` or `+2`. */
  readonly number: string
  /** Whether its pools are deleted with it. */
  readonly reclaims: boolean
}

/**
 * `none`: no subnet is named. `invalid`: the annotations are invalid, with the reason as a
 * sentence.
 */
export type SubnetDemand =
  | { readonly kind: 'none' }
  | { readonly kind: 'invalid'; readonly identity: ApplicationIdentity; readonly why: string }
  | { readonly kind: 'valid'; readonly application: Application }

const NONE: SubnetDemand = { kind: 'none' }

/** The apiVersion of a workload kind. */
export const apiVersionOfKind = (kind: WorkloadKind): string =>
  kind === 'Job' || kind === 'CronJob' ? 'batch/v1' : 'apps/v1'

/** Kinds for which no pools are made when the controller above them is the one that users know. */
const UPPER: Readonly<Record<string, string>> = { ReplicaSet: 'apps/v1 Deployment', Job: 'batch/v1 CronJob' }

/** The pod template; of a CronJob that of its job template. */
export const templateOf = ({ spec }: Workload): Template | undefined =>
  spec?.jobTemplate?.spec?.template ?? spec?.template

/** Whether annotations name a SpiderSubnet. */
export const namesSubnet = (annotations: Annotations | undefined): boolean =>
  annotations?.[ANNOTATION_SUBNET] !== undefined || annotations?.[ANNOTATION_SUBNETS] !== undefined

/**
 * The demand of a workload. `flexible`: addresses beyond the number of pods, where no annotation
 * has a number (conf.yml).
 */
export function demandOfWorkload(kind: WorkloadKind, workload: Workload, flexible: number): SubnetDemand {
  const { metadata, spec, status } = workload
  const controller = controllerOf(metadata)
  if (controller && UPPER[kind] === `${controller.apiVersion} ${controller.kind}`) return NONE
  const template = templateOf(workload)
  const annotations = template?.metadata?.annotations
  if (!annotations || template.spec?.hostNetwork === true || !namesSubnet(annotations)) return NONE
  const { namespace = '', name, uid = '' } = metadata
  const identity = { apiVersion: apiVersionOfKind(kind), kind, namespace, name, uid }
  const where = `the pod template of ${kind} ${namespace}/${name}`
  const pods = podsOf(kind, spec, status)
  return parseDemand(identity, { where, annotations, pods, otherwise: { isFlexible: true, count: flexible } })
}

/** How many pods run at one time. */
function podsOf(kind: WorkloadKind, spec: Workload['spec'], status: Workload['status']): number {
  switch (kind) {
    case 'Deployment':
    case 'ReplicaSet':
    case 'StatefulSet':
      return spec?.replicas ?? 0
    case 'DaemonSet':
      return status?.desiredNumberScheduled ?? 0
    case 'Job':
      return Math.max(1, spec?.completions ?? spec?.parallelism ?? 1)
    case 'CronJob':
      return podsOf('Job', spec?.jobTemplate?.spec, undefined)
  }
}

const TEMPLATE_KINDS = [
  'apps/v1 Deployment',
  'apps/v1 ReplicaSet',
  'apps/v1 StatefulSet',
  'apps/v1 DaemonSet',
  'batch/v1 Job',
]
const hasTemplate = ({ apiVersion, kind }: OwnerReference): boolean => TEMPLATE_KINDS.includes(`${apiVersion} ${kind}`)

/** The controller among the owner references. */
export const controllerOf = ({ ownerReferences = [] }: ObjectMeta): OwnerReference | undefined =>
  ownerReferences.find(({ controller }) => controller === true)

/** The pod's controller, where its kind is none whose template is read. */
export function foreignOwner({ metadata }: Pod): ApplicationIdentity | undefined {
  const owner = controllerOf(metadata)
  if (!owner || hasTemplate(owner)) return undefined
  const { apiVersion, kind, name, uid } = owner
  return { apiVersion, kind, namespace: metadata.namespace ?? '', name, uid }
}

/**
 * The demand of a pod of a foreign controller: the number of pods is unknown, so the annotation
 * must have a fixed number, and of `+2` only the 2 counts.
 */
export function demandOfPod(pod: Pod): SubnetDemand {
  const identity = foreignOwner(pod)
  const { annotations, namespace = '', name } = pod.metadata
  if (!identity || !annotations || pod.spec?.hostNetwork === true || !namesSubnet(annotations)) return NONE
  return parseDemand(identity, { where: `pod ${namespace}/${name}`, annotations, pods: 0, otherwise: undefined })
}

/** Names of the SpiderSubnets in a demand, each once. */
export const subnetsInDemand = (demand: SubnetDemand): readonly string[] =>
  demand.kind === 'valid' ? [...new Set(demand.application.items.flatMap(({ subnets }) => [...subnets.values()]))] : []

interface IpNumber {
  readonly isFlexible: boolean
  readonly count: number
}

interface DemandInput {
  readonly where: string
  readonly annotations: Annotations
  readonly pods: number
  /** The default without an annotation; undefined where one is required. */
  readonly otherwise: IpNumber | undefined
}

function parseDemand(
  identity: ApplicationIdentity,
  { where, annotations, pods, otherwise }: DemandInput,
): SubnetDemand {
  try {
    const { isFlexible, count } = numberIn(annotations[ANNOTATION_IP_NUMBER], where) ?? otherwise ?? missing(where)
    const items = itemsIn(annotations, where)
    const reclaims = reclaimIn(annotations[ANNOTATION_RECLAIM], where)
    const [size, number] = isFlexible ? [pods + count, `+${count}`] : [count, `${count}`]
    return { kind: 'valid', application: { ...identity, items, size, number, reclaims } }
  } catch (error) {
    if (error instanceof Refused) return { kind: 'invalid', identity, why: error.message }
    throw error
  }
}

function missing(where: string): never {
  throw wrongInput(
    `annotation ${ANNOTATION_IP_NUMBER} of ${where} is missing, and how many pods there will be is not known; write a number such as "5"`,
  )
}

function itemsIn(annotations: Annotations, where: string): readonly SubnetItem[] {
  const many = annotations[ANNOTATION_SUBNETS]
  if (many !== undefined) return subnetsAnnotation(many, `annotation ${ANNOTATION_SUBNETS} of ${where}`)
  return [subnetAnnotation(annotations[ANNOTATION_SUBNET] ?? '', `annotation ${ANNOTATION_SUBNET} of ${where}`)]
}

/**
 * `5` is five, `+2` two beyond the number of pods. As in Go's Spiderpool, what stands before the
 * `+` is ignored: `3+2` is `+2`.
 */
function numberIn(text: string | undefined, where: string): IpNumber | undefined {
  if (text === undefined) return undefined
  const parts = text.split('+')
  const count = parts.at(-1) ?? ''
  if (parts.length <= 2 && /^\d{1,9}$/.test(count)) return { isFlexible: parts.length === 2, count: Number(count) }
  throw wrongInput(
    `annotation ${ANNOTATION_IP_NUMBER} of ${where} is "${text}"; write "5" for five addresses, or "+2" for two more than pods`,
  )
}

/** Accepted by Go's strconv.ParseBool. */
function reclaimIn(text: string | undefined, where: string): boolean {
  if (text === undefined || /^(1|t|T|TRUE|true|True)$/.test(text)) return true
  if (/^(0|f|F|FALSE|false|False)$/.test(text)) return false
  throw wrongInput(`annotation ${ANNOTATION_RECLAIM} of ${where} is "${text}"; write "true" or "false"`)
}
