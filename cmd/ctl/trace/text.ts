// A trace as text. Pure.
import { tableOf, toned, type PrintColumn } from '../output.js'
import type { PoolSourceRow } from './decide.js'
import type { Trace, TracedInterface, TracedPool } from './interface.js'

interface TextOptions {
  readonly colours: boolean
}

const SOURCES: readonly PrintColumn<PoolSourceRow>[] = [
  { head: 'SOURCE', of: row => row.source, tone: row => (row.used ? undefined : 'faint') },
  { head: 'USED', of: row => (row.used ? 'yes' : 'no') },
  { head: 'VALUE', of: row => row.value },
]

const POOLS: readonly PrintColumn<TracedPool>[] = [
  { head: 'POOL', of: row => row.pool },
  { head: 'VERSION', of: row => String(row.version) },
  { head: 'ORDER', of: row => (row.order === 0 ? '-' : String(row.order)) },
  { head: 'FREE', of: row => String(row.free), tone: row => (row.free === 0 ? 'bad' : undefined) },
  { head: 'TOTAL', of: row => String(row.total) },
  {
    head: 'RULE',
    of: row => (row.dropped === '' ? 'usable' : row.dropped),
    tone: row => (row.dropped === '' ? 'good' : 'bad'),
  },
]

/** The whole trace, from the pod to the last error. */
export function traceText(trace: Trace, { colours }: TextOptions): string {
  const { pod, node, notes, coordinator, interfaces, lastError, nodeLog } = trace
  const isSynced = coordinator.phase === 'Synced'
  const phase = `${coordinator.phase}${coordinator.reason === '' ? '' : `: ${coordinator.reason}`}${isSynced ? '' : '; the coordinator plugin refuses pods until it is Synced'}`
  return [
    `Pod ${pod}${node === '' ? '' : ` on node ${node}`}\n`,
    ...notes.map(note => `  note: ${note}\n`),
    `SpiderCoordinator default: ${toned(phase, isSynced ? 'good' : 'bad', colours)}\n`,
    ...interfaces.map(one => interfaceText(one, { colours })),
    lastError === undefined ? '' : `\nLast error (${lastError.at}, ${lastError.reason}):\n  ${lastError.message}\n`,
    lastError?.remedy === undefined ? '' : `  code ${lastError.remedy.code}: ${lastError.remedy.todo}\n`,
    nodeLog.length === 0 ? '' : `\nLogs of this node:\n${nodeLog.map(line => `  ${line}\n`).join('')}`,
  ].join('')
}

function interfaceText(
  { nic, network, notes, sources, pools, verdict }: TracedInterface,
  { colours }: TextOptions,
): string {
  const parts = [`\nInterface ${nic}${network === '' ? '' : `, network ${network}`}\n`]
  parts.push(...notes.map(note => `  note: ${note}\n`))
  if (sources.length > 0) parts.push('\n', indented(tableOf(sources, SOURCES, { colours })))
  if (pools.length > 0) parts.push('\n', indented(tableOf(pools, POOLS, { colours })))
  parts.push('\n')
  if (verdict.kind === 'address') {
    const texts = verdict.addresses.map(({ address, pool }) => `${address} of ${pool}`).join(', ')
    parts.push(`  ${toned('ADD', 'good', colours)} gives ${texts}\n`)
  } else if (verdict.kind === 'refused') {
    parts.push(`  ${toned('ADD', 'bad', colours)} fails with code ${verdict.remedy.code}: ${verdict.message}\n`)
    parts.push(`  What to do: ${verdict.remedy.todo}\n`)
  } else parts.push(`  ${toned('ADD', 'bad', colours)} gives no address: ${verdict.message}\n`)
  return parts.join('')
}

const indented = (text: string): string => text.replace(/^(?=.)/gm, '  ')
