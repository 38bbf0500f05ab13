// `coordinator --plan`: what an ADD would do to this pod and this node now, and what of it is so already. Changes nothing.
import type { PlanFormat } from '../../lib/cni/plugin.js'
import { unsatisfied } from '../../lib/plan/state.js'
import type { Step } from '../../lib/plan/step.js'
import { placeOf, stepLines } from '../../lib/plan/text.js'
import type { Decision } from './plan.js'
import type { CoordinatorCall } from './verbs.js'

const DISABLED = 'mode is disabled: nothing would be done\n'

/** The whole output of a dry run. What is opened to look is loaded here: `tableOf` needs no kernel. */
export async function dryRun(call: CoordinatorCall, format: PlanFormat): Promise<string> {
  const { observeAndDecide, settled, withKernel } = await import('./verbs.js')
  const settings = await settled(call)
  if (settings.mode === 'disabled') return format === 'json' ? json({ mode: 'disabled', steps: [] }) : DISABLED
  return withKernel(call.netns, kernel => {
    const looked = observeAndDecide(call, settings, kernel)
    return format === 'json' ? jsonOf(looked) : tableOf(looked)
  })
}

const json = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`

const absentOf = ({ plan, seen }: Decision): ReadonlySet<Step> => new Set(unsatisfied(plan, seen))

function jsonOf(looked: Decision): string {
  const { context, plan, warnings } = looked
  const absent = absentOf(looked)
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
    steps: plan.map(step => ({ satisfied: !absent.has(step), ...step })),
  })
}

const HEADINGS = ['', 'where', 'what'] as const

/** A line a step: `=` is so already, `+` would be made. */
export function tableOf(looked: Decision): string {
  const { context, plan, warnings } = looked
  const absent = absentOf(looked)
  const { ifName, mode, isDefaultInterface, table, veth, own, hostIps } = context
  const rows = plan.flatMap(step => {
    const [first = '', ...below] = stepLines(step)
    return [[absent.has(step) ? '+' : '=', placeOf(step), first], ...below.map(text => ['', '', text])]
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
    `${absent.size} to add, ${plan.length - absent.size} unchanged (+ an ADD would apply it, = satisfied already)`,
    '',
  ].join('\n')
}
