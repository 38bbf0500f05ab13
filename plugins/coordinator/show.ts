// `coordinator --plan`: what an ADD would do to this pod and this node now, and what of it is so already. Changes nothing.
import type { PlanFormat } from '../../lib/cni/plugin.js'
import { nftRuleText, type NftTable } from '../../lib/plan/nft.js'
import { missing } from '../../lib/plan/seen.js'
import type { Step } from '../../lib/plan/step.js'
import { look, settled, withKernel, type CoordinatorCall, type Looked } from './verbs.js'
import { placeOf, verbOf } from './words.js'

const DISABLED = 'mode is disabled: nothing would be done\n'

export async function show(call: CoordinatorCall, format: PlanFormat): Promise<string> {
  const settings = await settled(call)
  if (settings.mode === 'disabled') return format === 'json' ? json({ mode: 'disabled', steps: [] }) : DISABLED
  return withKernel(call.netns, kernel => {
    const looked = look(call, settings, kernel)
    const absent = new Set(missing(looked.plan, looked.seen))
    return format === 'json' ? jsonOf(looked, absent) : tableOf(looked, absent)
  })
}

const json = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`

function jsonOf({ facts, plan, warnings }: Looked, absent: ReadonlySet<Step>): string {
  const { ifName, mode, isFirst, table, veth, own, hostIps } = facts
  return json({
    interface: ifName,
    mode,
    isFirst,
    table,
    veth: { pod: veth.pod, node: veth.node },
    addresses: own,
    nodeAddresses: hostIps,
    warnings,
    steps: plan.map(step => ({ isSo: !absent.has(step), ...step })),
  })
}

const rulesIn = ({ chains }: NftTable): readonly string[] =>
  chains.flatMap(({ name, rules }) => rules.map(rule => `${name}: ${nftRuleText(rule)}`))

const HEADINGS = ['', 'where', 'what'] as const

/** A line a step: `=` is so already, `+` would be made. */
function tableOf({ facts, plan, warnings }: Looked, absent: ReadonlySet<Step>): string {
  const { ifName, mode, isFirst, table, veth, own, hostIps } = facts
  const rows = plan.flatMap(step => [
    [absent.has(step) ? '+' : '=', placeOf(step), verbOf(step)],
    ...(step.verb === 'setNftTable' ? rulesIn(step.table).map(text => ['', '', `  ${text}`]) : []),
  ])
  const width = Math.max(...[HEADINGS, ...rows].map(([, where = '']) => where.length))
  const line = ([sign = '', where = '', what = '']: readonly string[]): string =>
    `${sign.padEnd(1)} ${where.padEnd(width)}  ${what}`
  return [
    `${ifName} ${own.join(' ')}: ${mode}, ${isFirst ? 'first NIC' : 'further NIC'}, table ${table}`,
    `${veth.pod} in the container, ${veth.node} on the node; the node is ${hostIps.join(' ')}`,
    ...warnings.map(warning => `warning: ${warning}`),
    '',
    line(HEADINGS),
    ...rows.map(line),
    '',
    `${absent.size} of ${plan.length} to do; = is so already, + would be made`,
    '',
  ].join('\n')
}
