// Counts CNI calls that have ended. Labels have few values: what a caller chooses is `other`.
import { REFUSALS } from '../../lib/ipam/errors.js'
import { CNI_ERROR } from '../../lib/cni/error.js'
import { familyOf, type Counter, type Metrics } from '../../lib/metrics.js'
import type { EndedCall } from './calls/run.js'
import { AGENT_METRICS } from './metrics.js'

const IPAM = 'spiderpool-ipam'
const PLUGINS = [IPAM, 'coordinator', 'macvlan-wrapper', 'ifacer'] as const
const COMMANDS = new Set(['ADD', 'DEL', 'CHECK', 'GC', 'STATUS', 'VERSION'])
const OTHER = 'other'

/** Of codes that one cause alone has; the registry's names, then those of the CNI spec. */
const NAMES: ReadonlyMap<number, string> = new Map([
  ...Object.entries(CNI_ERROR).map(([name, code]) => [code, name] as const),
  ...Object.entries(REFUSALS).map(([name, { code }]) => [code, name] as const),
])

/** Sentences of code 11, which three causes share; tools match on them (docs/errors.md). */
const TRY_AGAIN: readonly (readonly [sentence: string, cause: string])[] = [
  ['all IP addresses used out', 'exhausted'],
  ['is held by', 'exhausted'],
  ['exhaust all retries', 'contended'],
]

/** The cause of an error reply: a name of the registry or of the CNI spec, else `other`. */
export function causeOf(reply: string): string {
  let parsed: { readonly code?: unknown; readonly msg?: unknown } | null
  try {
    parsed = JSON.parse(reply) as typeof parsed
  } catch {
    return OTHER
  }
  const { code, msg } = parsed ?? {}
  if (typeof code !== 'number') return OTHER
  if (code !== CNI_ERROR.tryAgain) return NAMES.get(code) ?? OTHER
  return TRY_AGAIN.find(([sentence]) => String(msg).includes(sentence))?.[1] ?? 'tryAgain'
}

interface Durations {
  observe(seconds: number): void
}

type Verb = 'allocation' | 'release'

/** A histogram and the four gauges beside it. */
function durations(metrics: Metrics, verb: Verb, limit: '' | 'limit_'): Durations {
  const histogram = metrics.histogram(familyOf(AGENT_METRICS, `spiderpool_ipam_${verb}_${limit}duration_seconds`))
  const seen = { count: 0, sum: 0, max: 0, min: 0, latest: 0 }
  const gauges = {
    average: () => (seen.count === 0 ? 0 : seen.sum / seen.count),
    max: () => seen.max,
    min: () => seen.min,
    latest: () => seen.latest,
  }
  for (const statistic of ['average', 'max', 'min', 'latest'] as const)
    metrics.gauge(familyOf(AGENT_METRICS, `spiderpool_ipam_${verb}_${statistic}_${limit}duration_seconds`), () => [
      [gauges[statistic]()],
    ])
  return {
    observe(seconds) {
      histogram.observe(seconds)
      seen.min = seen.count === 0 ? seconds : Math.min(seen.min, seconds)
      seen.max = Math.max(seen.max, seconds)
      seen.latest = seconds
      seen.sum += seconds
      seen.count++
    },
  }
}

function ipamVerb(metrics: Metrics, verb: Verb): (call: EndedCall, cause: string | undefined) => void {
  const of = (name: 'counts' | 'failure_counts' | 'err_internal_counts' | 'err_retries_exhausted_counts'): Counter =>
    started(metrics.counter(familyOf(AGENT_METRICS, `spiderpool_ipam_${verb}_${name}_total`)))
  const [all, failed] = [of('counts'), of('failure_counts')]
  const [internal, contended] = [of('err_internal_counts'), of('err_retries_exhausted_counts')]
  const own = new Map<string, Counter>([
    ['contended', contended],
    ['tryAgain', contended],
    ...(verb === 'allocation' ? allocationCauses(metrics) : []),
  ])
  const [took, waited] = [durations(metrics, verb, ''), durations(metrics, verb, 'limit_')]
  return ({ ms, waitedMs }, cause) => {
    all.add()
    took.observe(ms / 1000)
    waited.observe(waitedMs / 1000)
    if (cause === undefined) return
    failed.add()
    ;(own.get(cause) ?? internal).add()
  }
}

function allocationCauses(metrics: Metrics): readonly (readonly [cause: string, counter: Counter])[] {
  const of = (name: 'err_no_available_pool' | 'err_ip_used_out'): Counter =>
    started(metrics.counter(familyOf(AGENT_METRICS, `spiderpool_ipam_allocation_${name}_counts_total`)))
  return [
    ['noPool', of('err_no_available_pool')],
    ['exhausted', of('err_ip_used_out')],
  ]
}

/** The counter with its series at 0: `increase()` does not see a series' first value. */
function started(counter: Counter): Counter {
  counter.add({}, 0)
  return counter
}

/** Registers the metrics of calls; the result counts one. */
export function describeCalls(metrics: Metrics): (call: EndedCall) => void {
  const verbs = new Map([
    ['ADD', ipamVerb(metrics, 'allocation')],
    ['DEL', ipamVerb(metrics, 'release')],
  ])
  const calls = metrics.counter(familyOf(AGENT_METRICS, 'spiderpool_agent_calls_total'))
  const failures = metrics.counter(familyOf(AGENT_METRICS, 'spiderpool_agent_call_failures_total'))
  const took = metrics.histogram(familyOf(AGENT_METRICS, 'spiderpool_agent_call_duration_seconds'))
  for (const plugin of PLUGINS)
    for (const command of ['ADD', 'DEL'])
      for (const outcome of ['done', 'failed']) calls.add({ plugin, command, outcome }, 0)
  // The cause of most alerts, so that the first one is seen.
  for (const plugin of [IPAM, 'coordinator', 'macvlan-wrapper'])
    failures.add({ plugin, command: 'ADD', cause: 'ipConflict' }, 0)
  return call => {
    const { plugin, error, ms } = call
    const command = COMMANDS.has(call.command) ? call.command : OTHER
    const cause = error === undefined ? undefined : causeOf(error)
    calls.add({ plugin, command, outcome: cause === undefined ? 'done' : 'failed' })
    took.observe(ms / 1000, { plugin, command })
    if (cause !== undefined) failures.add({ plugin, command, cause })
    if (plugin === IPAM) verbs.get(command)?.(call, cause)
  }
}
