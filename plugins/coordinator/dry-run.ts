// `coordinator --plan`: the plan of an ADD, and which steps are satisfied already. Changes nothing.
import type { PlanFormat } from '../../lib/cni/plugin.js'
import { unsatisfied } from '../../lib/plan/state.js'
import type { Step } from '../../lib/plan/step.js'
import { placeOf, stepLines } from '../../lib/plan/text.js'
import type { Decision } from './plan.js'
import type { CoordinatorCall } from './verbs.js'

const DISABLED = 'mode is disabled: nothing would be done\n'

/**
 * The output of a dry run. Loads the kernel lazily: `tableOf` needs none.
 * @throws CniError as ADD does
 */
export async function dryRun(call: CoordinatorCall, format: PlanFormat): Promise<string> {
  const { observeAndDecide, resolveSettings, withKernel } = await import('./verbs.js')
  const settings = await resolveSettings(call)
  if (settings.mode === 'disabled') return format === 'json' ? json({ mode: 'disabled', steps: [] }) : DISABLED
  return withKernel(call, kernel => {
    const decision = observeAndDecide(call, settings, kernel)
    return format === 'json' ? jsonOf(decision) : tableOf(decision)
  })
}

const json = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`

const unsatisfiedOf = ({ plan, observed }: Decision): ReadonlySet<Step> => new Set(unsatisfied(plan, observed))

function jsonOf(decision: Decision): string {
  const { context, plan, warnings } = decision
  const pending = unsatisfiedOf(decision)
  const { ifName, mode, isDefaultInterface, table, veth, own, hostIps } = context
  return json({
    interface: ifName,
    mode,
    isDefaultInterface,
    table,
    veth: { pod: veth.pod, node: veth.node },
    addresses: own,
    nodeAddresses: hostIps,
    warnings,
    steps: plan.map(step => ({ satisfied: !pending.has(step), ...step })),
  })
}

const HEADINGS = ['', 'where', 'what'] as const

/** One line per step: `+` would be applied, `=` is satisfied. */
export function tableOf(decision: Decision): string {
  const { context, plan, warnings } = decision
  const pending = unsatisfiedOf(decision)
  const { ifName, mode, isDefaultInterface, table, veth, own, hostIps } = context
  const rows = plan.flatMap(step => {
    const [first = '', ...below] = stepLines(step)
    return [[pending.has(step) ? '+' : '=', placeOf(step), first], ...below.map(text => ['', '', text])]
  })
  const width = Math.max(...[HEADINGS, ...rows].map(([, where = '']) => where.length))
  const line = ([sign = '', where = '', what = '']: readonly string[]): string =>
    `${sign.padEnd(1)} ${where.padEnd(width)}  ${what}`
  return [
    `${ifName} ${own.join(' ')}: ${mode}, ${isDefaultInterface ? 'default interface' : 'secondary interface'}, table ${table}`,
    `${veth.pod} in the container, ${veth.node} on the node; the node is ${hostIps.join(' ')}`,
    ...warnings.map(warning => `warning: ${warning}`),
    '',
    line(HEADINGS),
    ...rows.map(line),
    '',
    `${pending.size} to add, ${plan.length - pending.size} unchanged (+ an ADD would apply it, = satisfied already)`,
    '',
  ].join('\n')
}
