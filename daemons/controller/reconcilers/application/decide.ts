// What an application asks of SpiderSubnets: read from its pod template, or from its pods where the kind is a foreign one. Pure.
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

/** All that anybody reads of a template: whatever else changes in one is no news. */
export const TEMPLATE_ANNOTATIONS = [ANNOTATION_SUBNET, ANNOTATION_SUBNETS, ANNOTATION_IP_NUMBER, ANNOTATION_RECLAIM]

export interface Template {
  readonly metadata?: { readonly annotations?: Annotations }
  readonly spec?: { readonly hostNetwork?: boolean }
}

/** Deployment, ReplicaSet, StatefulSet, DaemonSet, Job or CronJob, as far as it matters here. */
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

/** The identity of an application: what its pools' labels say. */
export interface ApplicationIdentity {
  readonly apiVersion: string
  readonly kind: string
  readonly namespace: string
  readonly name: string
  readonly uid: string
}

export interface Application extends ApplicationIdentity {
  readonly items: readonly SubnetItem[]
  /** Addresses in each of its pools. */
  readonly size: number
  /** The wish as its pools' annotation shows it: `5` or `+2`. */
  readonly number: string
  /** Whether its pools go with it. */
  readonly reclaims: boolean
}

/** `none`: it asks for nothing. `wrong`: it asks for what cannot be understood, in a sentence. */
export type SubnetDemand =
  | { readonly kind: 'none' }
  | { readonly kind: 'wrong'; readonly identity: ApplicationIdentity; readonly why: string }
  | { readonly kind: 'asks'; readonly application: Application }

const NONE: SubnetDemand = { kind: 'none' }

export const apiVersionOfKind = (kind: WorkloadKind): string =>
  kind === 'Job' || kind === 'CronJob' ? 'batch/v1' : 'apps/v1'

/** Kinds that a pod's pools are never made for, because the kind above is what users know. */
const UPPER: Readonly<Record<string, string>> = { ReplicaSet: 'apps/v1 Deployment', Job: 'batch/v1 CronJob' }

/** The template of the pods that come of it. */
export const templateOf = ({ spec }: Workload): Template | undefined =>
  spec?.jobTemplate?.spec?.template ?? spec?.template

export const asksForSubnet = (annotations: Annotations | undefined): boolean =>
  annotations?.[ANNOTATION_SUBNET] !== undefined || annotations?.[ANNOTATION_SUBNETS] !== undefined

/** `flexible`: addresses more than pods where no annotation says otherwise (conf.yml). */
export function demandOfWorkload(kind: WorkloadKind, workload: Workload, flexible: number): SubnetDemand {
  const { metadata, spec, status } = workload
  const controller = controllerOf(metadata)
  if (controller && UPPER[kind] === `${controller.apiVersion} ${controller.kind}`) return NONE
  const template = templateOf(workload)
  const annotations = template?.metadata?.annotations
  if (!annotations || template.spec?.hostNetwork === true || !asksForSubnet(annotations)) return NONE
  const { namespace = '', name, uid = '' } = metadata
  const identity = { apiVersion: apiVersionOfKind(kind), kind, namespace, name, uid }
  const where = `the pod template of ${kind} ${namespace}/${name}`
  const pods = podsOf(kind, spec, status)
  return understood(identity, { where, annotations, pods, otherwise: { isFlexible: true, count: flexible } })
}

/** How many pods there are to be at one time. */
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

const KNOWN = ['apps/v1 Deployment', 'apps/v1 ReplicaSet', 'apps/v1 StatefulSet', 'apps/v1 DaemonSet', 'batch/v1 Job']
const isKnown = ({ apiVersion, kind }: OwnerReference): boolean => KNOWN.includes(`${apiVersion} ${kind}`)

export const controllerOf = ({ ownerReferences = [] }: ObjectMeta): OwnerReference | undefined =>
  ownerReferences.find(({ controller }) => controller === true)

/** Whose pod this is, where that is no kind whose template is read. */
export function foreignOwner({ metadata }: Pod): ApplicationIdentity | undefined {
  const owner = controllerOf(metadata)
  if (!owner || isKnown(owner)) return undefined
  const { apiVersion, kind, name, uid } = owner
  return { apiVersion, kind, namespace: metadata.namespace ?? '', name, uid }
}

/** A foreign kind does not say how many pods it wants: the number must be a fixed one, and of `+2` only the 2 is known. */
export function demandOfPod(pod: Pod): SubnetDemand {
  const identity = foreignOwner(pod)
  const { annotations, namespace = '', name } = pod.metadata
  if (!identity || !annotations || pod.spec?.hostNetwork === true || !asksForSubnet(annotations)) return NONE
  return understood(identity, { where: `pod ${namespace}/${name}`, annotations, pods: 0, otherwise: undefined })
}

/** Names of SpiderSubnets, each once. */
export const subnetsInDemand = (asked: SubnetDemand): readonly string[] =>
  asked.kind === 'asks' ? [...new Set(asked.application.items.flatMap(({ subnets }) => [...subnets.values()]))] : []

interface IpNumber {
  readonly isFlexible: boolean
  readonly count: number
}

interface Asking {
  readonly where: string
  readonly annotations: Annotations
  readonly pods: number
  /** Where no annotation says a number; `undefined` where one must. */
  readonly otherwise: IpNumber | undefined
}

function understood(identity: ApplicationIdentity, { where, annotations, pods, otherwise }: Asking): SubnetDemand {
  try {
    const { isFlexible, count } = numberIn(annotations[ANNOTATION_IP_NUMBER], where) ?? otherwise ?? missing(where)
    const items = itemsIn(annotations, where)
    const reclaims = reclaimIn(annotations[ANNOTATION_RECLAIM], where)
    const [size, number] = isFlexible ? [pods + count, `+${count}`] : [count, `${count}`]
    return { kind: 'asks', application: { ...identity, items, size, number, reclaims } }
  } catch (error) {
    if (error instanceof Refused) return { kind: 'wrong', identity, why: error.message }
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

/** `5` is five, `+2` two more than pods. As Go's Spiderpool splits it, what stands before the `+` says nothing: `3+2` is `+2`. */
function numberIn(text: string | undefined, where: string): IpNumber | undefined {
  if (text === undefined) return undefined
  const parts = text.split('+')
  const count = parts.at(-1) ?? ''
  if (parts.length <= 2 && /^\d{1,9}$/.test(count)) return { isFlexible: parts.length === 2, count: Number(count) }
  throw wrongInput(
    `annotation ${ANNOTATION_IP_NUMBER} of ${where} is "${text}"; write "5" for five addresses, or "+2" for two more than pods`,
  )
}

/** What Go's strconv.ParseBool takes. */
function reclaimIn(text: string | undefined, where: string): boolean {
  if (text === undefined || /^(1|t|T|TRUE|true|True)$/.test(text)) return true
  if (/^(0|f|F|FALSE|false|False)$/.test(text)) return false
  throw wrongInput(`annotation ${ANNOTATION_RECLAIM} of ${where} is "${text}"; write "true" or "false"`)
}
