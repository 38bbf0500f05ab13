// Counts verdicts of the webhooks. Labels have few values: what a client chooses is `other`.
import { SPIDERPOOL_GROUP, SPIDERPOOL_VERSION } from '../../../lib/crd/names.js'
import { familyOf, type Metrics } from '../../../lib/metrics.js'
import { CONTROLLER_METRICS } from '../metrics.js'
import type { HandlerDeps } from './http.js'
import type { ReviewVerdict } from './review.js'

const GROUP_VERSION = `${SPIDERPOOL_GROUP.replaceAll('.', '-')}-${SPIDERPOOL_VERSION}-`
const OPERATIONS = new Set(['CREATE', 'UPDATE', 'DELETE'])

/** Counts a verdict, or a review that was refused since too many wait. */
export function countVerdicts(metrics: Metrics): NonNullable<HandlerDeps['onVerdict']> {
  const verdicts = metrics.counter(familyOf(CONTROLLER_METRICS, 'spiderpool_controller_webhook_verdicts_total'))
  return (path, operation, verdict) =>
    verdicts.add({
      webhook: path.slice(1).replace(GROUP_VERSION, ''),
      operation: OPERATIONS.has(operation) ? operation : operation === '' ? '' : 'other',
      verdict: verdict === 'busy' ? verdict : verdict.kind,
      rule: verdict === 'busy' ? '' : ruleOf(verdict),
    })
}

/** The field of the first cause, without indexes; the reason of a denial that names no field. */
export function ruleOf(verdict: ReviewVerdict): string {
  if (verdict.kind !== 'denied') return ''
  const { reason, details } = verdict.denial
  const { causes = [] } = details as { readonly causes?: readonly { readonly field: string }[] }
  return causes[0]?.field.replace(/\[[^\]]*\]/g, '[]') ?? reason
}
