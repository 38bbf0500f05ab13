// Answers AdmissionReviews: reads what the rules of a kind need from the API server, then applies
// them.
import { ADMISSIONS, PODS_ADMISSION } from '../../../lib/crd/admission.js'
import { denialOf, forbiddenDenial, type Denial } from '../../../lib/crd/cause.js'
import {
  EMPTY_CONTEXT,
  type Admission,
  type AdmissionContext,
  type ContextQuery,
  type AdmissionSwitches,
  type ObjectQuery,
} from '../../../lib/crd/rules.js'
import type { Kube } from '../../../lib/kube/client.js'
import { isNotFound, KubeError } from '../../../lib/kube/errors.js'
import {
  NADS,
  NAMESPACES,
  SPIDER_IPADDRESSES,
  SPIDER_IPPOOLS,
  SPIDER_MULTUSCONFIGS,
  SPIDER_SUBNETS,
  type Kind,
} from '../../../lib/kube/kinds.js'
import { pathOf, POD_PATH, SERVED } from './configurations.js'
import type { Review, ReviewVerdict } from './review.js'

const KINDS: { readonly [K in keyof AdmissionContext]: Kind } = {
  pools: SPIDER_IPPOOLS,
  subnets: SPIDER_SUBNETS,
  addresses: SPIDER_IPADDRESSES,
  definitions: NADS,
  configs: SPIDER_MULTUSCONFIGS,
  namespaces: NAMESPACES,
}

/**
 * Shared reads: a caller that arrives during a read of the same waits for the next one, which all
 * later callers share. So each result is newer than its request, as uniqueness across pools
 * requires, and a thousand reviews are a few lists. A cache would be cheaper, but may be older than
 * the last write.
 */
function sharedReads(kube: Kube): Read {
  const lanes = new Map<string, { running: Promise<unknown>; next: Promise<readonly object[]> | undefined }>()
  return (kind, which) => {
    const key = JSON.stringify([kind.plural, which.label, which.namespace, which.name])
    const lane = lanes.get(key)
    if (lane?.next) return lane.next
    const read = (): Promise<readonly object[]> => {
      const own = { running: readObjects(kube, kind, which) as Promise<unknown>, next: undefined }
      lanes.set(key, own)
      const forget = (): void => void (lanes.get(key) === own && own.next === undefined && lanes.delete(key))
      own.running.then(forget, forget)
      return own.running as Promise<readonly object[]>
    }
    if (!lane) return read()
    lane.next = lane.running.then(read, read)
    return lane.next
  }
}

type Read = (kind: Kind, which: ObjectQuery) => Promise<readonly object[]>

export type Reviewer = (review: Review) => Promise<ReviewVerdict>

/** The reviewer for each path. */
export function reviewers(kube: Kube, switches: AdmissionSwitches): ReadonlyMap<string, Reviewer> {
  const reads = sharedReads(kube)
  const found = new Map<string, Reviewer>([[POD_PATH, review => mutate(PODS_ADMISSION, reads, switches, review)]])
  for (const { plural, singular } of SERVED) {
    const rules = ADMISSIONS.find(({ of }) => of.plural === plural)
    if (!rules) continue
    found.set(pathOf('mutate', singular), review => mutate(rules, reads, switches, review))
    found.set(pathOf('validate', singular), review => validate(rules, reads, switches, review))
  }
  return found
}

const ALLOWED: ReviewVerdict = { kind: 'allowed' }
const verdictOf = (denial: Denial | undefined): ReviewVerdict => (denial ? { kind: 'denied', denial } : ALLOWED)

async function mutate(
  rules: Admission,
  reads: Read,
  switches: AdmissionSwitches,
  review: Review,
): Promise<ReviewVerdict> {
  const { object, old, namespace } = review
  if (object === undefined) return ALLOWED
  const written = { object, old, namespace }
  const context = await queryUntilStable(reads, found => rules.toMutate(written, switches, found))
  const denial = denialOf(rules.of, nameOf(review), rules.refusals(written, context))
  return denial ? verdictOf(denial) : { kind: 'changed', to: rules.mutate(written, context) }
}

async function validate(
  rules: Admission,
  reads: Read,
  switches: AdmissionSwitches,
  review: Review,
): Promise<ReviewVerdict> {
  const { object, old, namespace, operation } = review
  if (operation === 'DELETE') {
    const [fault] = rules.deletion(old, switches)
    return verdictOf(fault && forbiddenDenial(rules.of, nameOf(review), fault.why))
  }
  const written = { object, old, namespace }
  const context = await query(reads, rules.toValidate(written, switches))
  const denial = denialOf(rules.of, nameOf(review), rules.validate(written, context, switches))
  return denial ? verdictOf(denial) : { kind: 'allowed', warnings: rules.warnings(object) }
}

/** The object's name; on create the request may leave it to the object's metadata. */
function nameOf({ name, object }: Review): string {
  if (name !== '' || typeof object !== 'object' || object === null || !('metadata' in object)) return name
  const { metadata } = object
  if (typeof metadata !== 'object' || metadata === null) return name
  const own = 'name' in metadata ? metadata.name : 'generateName' in metadata ? metadata.generateName : undefined
  return typeof own === 'string' ? own : name
}

/** Reads until the query is stable: a pod's namespace says which networks to read. */
async function queryUntilStable(
  reads: Read,
  queryFor: (found: AdmissionContext) => ContextQuery,
): Promise<AdmissionContext> {
  let found = EMPTY_CONTEXT
  for (let previous = '{}'; ;) {
    const wanted = queryFor(found)
    if (JSON.stringify(wanted) === previous) return found
    previous = JSON.stringify(wanted)
    found = await query(reads, wanted)
  }
}

async function query(reads: Read, wanted: ContextQuery): Promise<AdmissionContext> {
  const entries = Object.entries(wanted) as [keyof AdmissionContext, ObjectQuery][] // the type is mapped over these keys
  const found = await Promise.all(entries.map(async ([what, which]) => [what, await reads(KINDS[what], which)]))
  return { ...EMPTY_CONTEXT, ...(Object.fromEntries(found) as Partial<AdmissionContext>) }
}

/** Lists or gets; a kind that is not served has no objects. */
async function readObjects(
  kube: Kube,
  kind: Kind,
  { label, name, namespace }: ObjectQuery,
): Promise<readonly object[]> {
  try {
    if (name !== undefined)
      return [await kube.get<object>(kind, { name, ...(namespace !== undefined && { namespace }) })]
    const list = await kube.list<object>(kind, {
      ...(label !== undefined && { labelSelector: label }),
      ...(namespace !== undefined && { namespace }),
    })
    return list.items
  } catch (error) {
    if (isNotFound(error)) return []
    if (error instanceof KubeError)
      throw new KubeError(error.status, error.reason, `cannot read ${kind.plural}: ${error.message}`)
    throw error
  }
}
