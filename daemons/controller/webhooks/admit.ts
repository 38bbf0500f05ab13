// A review answered: what the rules of a kind ask for is read from the API server, then they say. Knows requests; knows no rule.
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
 * Reads for reviews, shared: who asks while a read of the same is under way waits for the next, which all of them share. So each answer is
 * younger than its question, as uniqueness across pools wants it, and a thousand reviews are a few lists. A cache would be cheaper and may
 * be older than the last write.
 */
function sharedReads(kube: Kube): Ask {
  const lanes = new Map<string, { running: Promise<unknown>; next: Promise<readonly object[]> | undefined }>()
  return (kind, which) => {
    const key = JSON.stringify([kind.plural, which.label, which.namespace, which.name])
    const lane = lanes.get(key)
    if (lane?.next) return lane.next
    const read = (): Promise<readonly object[]> => {
      const own = { running: ask(kube, kind, which) as Promise<unknown>, next: undefined }
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

type Ask = (kind: Kind, which: ObjectQuery) => Promise<readonly object[]>

export type Reviewer = (review: Review) => Promise<ReviewVerdict>

/** Who judges what comes by a path. */
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
  reads: Ask,
  switches: AdmissionSwitches,
  review: Review,
): Promise<ReviewVerdict> {
  const { object, old, namespace } = review
  if (object === undefined) return ALLOWED
  const written = { object, old, namespace }
  const seen = await lookUntilKnown(reads, context => rules.toMutate(written, switches, context))
  const denial = denialOf(rules.of, nameOf(review), rules.refusals(written, seen))
  return denial ? verdictOf(denial) : { kind: 'changed', to: rules.mutate(written, seen) }
}

async function validate(
  rules: Admission,
  reads: Ask,
  switches: AdmissionSwitches,
  review: Review,
): Promise<ReviewVerdict> {
  const { object, old, namespace, operation } = review
  if (operation === 'DELETE') {
    const [fault] = rules.deletion(old, switches)
    return verdictOf(fault && forbiddenDenial(rules.of, nameOf(review), fault.why))
  }
  const written = { object, old, namespace }
  const seen = await look(reads, rules.toValidate(written, switches))
  const denial = denialOf(rules.of, nameOf(review), rules.validate(written, seen, switches))
  return denial ? verdictOf(denial) : { kind: 'allowed', warnings: rules.warnings(object) }
}

/** At creation the request may leave it to the object to say it. */
function nameOf({ name, object }: Review): string {
  if (name !== '' || typeof object !== 'object' || object === null || !('metadata' in object)) return name
  const { metadata } = object
  if (typeof metadata !== 'object' || metadata === null) return name
  const own = 'name' in metadata ? metadata.name : 'generateName' in metadata ? metadata.generateName : undefined
  return typeof own === 'string' ? own : name
}

/** What is found may raise the next question: a pod's namespace says which networks to look for. */
async function lookUntilKnown(reads: Ask, wants: (found: AdmissionContext) => ContextQuery): Promise<AdmissionContext> {
  let found = EMPTY_CONTEXT
  for (let asked = '{}'; ;) {
    const looks = wants(found)
    if (JSON.stringify(looks) === asked) return found
    asked = JSON.stringify(looks)
    found = await look(reads, looks)
  }
}

async function look(reads: Ask, looks: ContextQuery): Promise<AdmissionContext> {
  const entries = Object.entries(looks) as [keyof AdmissionContext, ObjectQuery][] // of a mapped type over these keys
  const found = await Promise.all(entries.map(async ([what, which]) => [what, await reads(KINDS[what], which)]))
  return { ...EMPTY_CONTEXT, ...(Object.fromEntries(found) as Partial<AdmissionContext>) }
}

/** What a cluster does not serve it has none of. */
async function ask(kube: Kube, kind: Kind, { label, name, namespace }: ObjectQuery): Promise<readonly object[]> {
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
