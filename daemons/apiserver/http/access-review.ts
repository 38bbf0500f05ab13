// SelfSubject*Review: answered from the body and never stored (`kubectl auth`). Pure.
import { fault, invalid } from '../schema/status-error.js'
import type { KindInfo } from '../schema/kinds.js'
import { fieldsOf, isFields, type JsonObject } from '../schema/stored-object.js'
import { parseObject } from '../registry/strategy.js'

const USER = { username: 'admin', groups: ['system:masters', 'system:authenticated'] }
const REASON = 'the token of this server may do everything'

const kindOf = (group: string, kind: string): KindInfo => ({
  group,
  version: 'v1',
  kind,
  listKind: `${kind}List`,
  plural: `${kind.toLowerCase()}s`,
  singular: kind.toLowerCase(),
  shortNames: [],
  categories: [],
  namespaced: false,
  hasStatus: false,
  columns: [],
  custom: false,
  verbs: ['create'],
})

/** k8s.io/kubernetes/pkg/apis/authorization/validation. */
function access(kind: KindInfo, spec: JsonObject): object {
  const attributes = ['resourceAttributes', 'nonResourceAttributes'].filter(name => isFields(spec[name]))
  if (attributes.length !== 1) {
    const why = 'exactly one of nonResourceAttributes or resourceAttributes must be specified'
    throw invalid(kind, '', [fault.invalid('spec.resourceAttributes', spec['resourceAttributes'] ?? null, why)])
  }
  return { allowed: true, reason: REASON }
}

const rules = (): object => ({
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
  incomplete: false,
})

type Answer = (kind: KindInfo, spec: JsonObject) => object

const ANSWERS: readonly (readonly [KindInfo, Answer])[] = [
  [kindOf('authorization.k8s.io', 'SelfSubjectAccessReview'), access],
  [kindOf('authorization.k8s.io', 'SelfSubjectRulesReview'), rules],
  [kindOf('authentication.k8s.io', 'SelfSubjectReview'), () => ({ userInfo: USER })],
]

/** The kinds of reviews, for discovery. */
export const REVIEW_KINDS: readonly KindInfo[] = ANSWERS.map(([kind]) => kind)

/** The review kind that a request path names; undefined for other kinds. */
export const reviewKind = ({
  group,
  version,
  plural,
}: Pick<KindInfo, 'group' | 'version' | 'plural'>): KindInfo | undefined =>
  REVIEW_KINDS.find(kind => kind.group === group && kind.version === version && kind.plural === plural)

/**
 * The review with its status. @throws 400 for a body of another kind, 422 for one without
 * attributes.
 */
export function answerReview(kind: KindInfo, body: unknown): JsonObject {
  const { apiVersion, kind: name, metadata, ...rest } = parseObject(body, kind, '')
  const answer = ANSWERS.find(([known]) => known === kind)?.[1]
  return {
    apiVersion,
    kind: name,
    metadata: { ...metadata, creationTimestamp: null },
    ...rest,
    status: answer?.(kind, fieldsOf(rest['spec'])),
  }
}
