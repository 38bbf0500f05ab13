// Validation of label selectors (apimachinery, pkg/apis/meta/v1/validation, pkg/util/validation).
import { invalid, type Fault } from './fault.js'
import type { LabelSelector } from './types.js'

const NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const NAME_LENGTH_MAX = 63
const SUBDOMAIN_LENGTH_MAX = 253

/** A DNS-1123 subdomain, such as the name of a node. */
export const isSubdomain = (name: string): boolean => name.length <= SUBDOMAIN_LENGTH_MAX && SUBDOMAIN.test(name)

/** A DNS-1123 label, such as the name of a Namespace. */
export const isLabel = (name: string): boolean => name.length <= NAME_LENGTH_MAX && LABEL.test(name)

function isLabelKey(key: string): boolean {
  const slash = key.indexOf('/')
  const name = key.slice(slash + 1)
  const prefix = key.slice(0, Math.max(slash, 0))
  const isPrefix = slash < 0 || isSubdomain(prefix)
  return isPrefix && name.length <= NAME_LENGTH_MAX && NAME.test(name)
}

const isLabelValue = (value: string): boolean => value === '' || (value.length <= NAME_LENGTH_MAX && NAME.test(value))

type Requirement = NonNullable<LabelSelector['matchExpressions']>[number]

const KEY_WORDS = 'it must be a label key such as app or example.com/app'
const VALUE_WORDS =
  'it must be a label value: at most 63 letters, digits, "-", "_", ".", a letter or digit at both ends'

/** All faults of the selector at `field`. It needs a term: an empty selector matches everything. */
export function selectorFaults(field: string, selector: LabelSelector): readonly Fault[] {
  const { matchLabels = {}, matchExpressions = [] } = selector
  if (Object.keys(matchLabels).length === 0 && matchExpressions.length === 0)
    return [invalid(field, selector, 'it needs at least one term in matchLabels or matchExpressions')]
  return termFaults(field, selector)
}

/** The same where an empty selector, which matches everything, is accepted. */
export function termFaults(
  field: string,
  { matchLabels = {}, matchExpressions = [] }: LabelSelector,
): readonly Fault[] {
  const labels = Object.entries(matchLabels)
  return [
    ...labels.flatMap(([key, value]) => [
      ...(isLabelKey(key) ? [] : [invalid(`${field}.matchLabels`, key, KEY_WORDS)]),
      ...(isLabelValue(value) ? [] : [invalid(`${field}.matchLabels`, value, VALUE_WORDS)]),
    ]),
    ...matchExpressions.flatMap((one, at) => requirementFaults(`${field}.matchExpressions[${at}]`, one)),
  ]
}

function requirementFaults(field: string, { key, operator, values = [] }: Requirement): readonly Fault[] {
  const faults = isLabelKey(key) ? [] : [invalid(`${field}.key`, key, KEY_WORDS)]
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0) faults.push(invalid(`${field}.values`, values, `operator ${operator} needs values`))
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0) faults.push(invalid(`${field}.values`, values, `operator ${operator} takes no values`))
  } else faults.push(invalid(`${field}.operator`, operator, 'it must be In, NotIn, Exists or DoesNotExist'))
  const wrong = values.findIndex(value => !isLabelValue(value))
  return wrong < 0 ? faults : [...faults, invalid(`${field}.values[${wrong}]`, values[wrong], VALUE_WORDS)]
}
