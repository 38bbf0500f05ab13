// Kubernetes label selectors on label maps. Pure.
// https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/
import type { LabelSelector } from '../../crd/types.js'
import type { Labels } from '../store/store.js'

/** An empty selector matches everything; an unknown operator matches nothing. */
export function selects(selector: LabelSelector, labels: Labels): boolean {
  const equal = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value)
  return equal && (selector.matchExpressions ?? []).every(expression => holds(expression, labels))
}

type Expression = NonNullable<LabelSelector['matchExpressions']>[number]

function holds({ key, operator, values = [] }: Expression, labels: Labels): boolean {
  const value = labels[key]
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    default:
      return false
  }
}
