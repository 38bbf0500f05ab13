// The columns of pods, computed from container statuses as in kubectl. Pure.
import { humanDuration } from './age.js'
import { at, isFields, type Stored } from '../schema/stored-object.js'
import { AGE_TEXT, column, listAt, NAME, numberAt, orNone, textAt, wide, type TableColumn } from './column.js'

interface Summary {
  readonly ready: number
  readonly total: number
  readonly status: string
  readonly restarts: string
}

/**
 * The status is that of unfinished init containers, else of the containers; a deletion overrides
 * both.
 */
function summaryOf(pod: Stored, nowMs: number): Summary {
  const total = listAt(pod, 'spec', 'containers').length
  const containers = listAt(pod, 'status', 'containerStatuses')
  const inits = listAt(pod, 'status', 'initContainerStatuses')
  const waiting = initStatus(pod, inits)
  const counted = waiting === undefined ? containers : inits
  const own = waiting ?? containerStatus(pod, containers)
  const ready = waiting === undefined ? containers.filter(isReady).length : 0
  return { ready, total, status: deletionStatus(pod) ?? own, restarts: restartsOf(counted, nowMs) }
}

const isReady = (status: unknown): boolean => at(status, 'ready') === true && isFields(at(status, 'state', 'running'))

function deletionStatus(pod: Stored): string | undefined {
  if (pod.metadata.deletionTimestamp === undefined) return undefined
  return textAt(pod, 'status', 'reason') === 'NodeLost' ? 'Unknown' : 'Terminating'
}

const phaseOf = (pod: Stored): string => textAt(pod, 'status', 'reason') || textAt(pod, 'status', 'phase')

function initStatus(pod: Stored, inits: readonly unknown[]): string | undefined {
  const total = listAt(pod, 'spec', 'initContainers').length
  for (const [i, status] of inits.entries()) {
    const ended = at(status, 'state', 'terminated')
    if (isFields(ended)) {
      if (numberAt(ended, 'exitCode') === 0) continue
      return `Init:${endOf(ended)}`
    }
    const reason = textAt(status, 'state', 'waiting', 'reason')
    return reason !== '' && reason !== 'PodInitializing' ? `Init:${reason}` : `Init:${i}/${total}`
  }
  return undefined
}

const endOf = (ended: unknown): string =>
  textAt(ended, 'reason') ||
  (numberAt(ended, 'signal') === 0 ? `ExitCode:${numberAt(ended, 'exitCode')}` : `Signal:${numberAt(ended, 'signal')}`)

function containerStatus(pod: Stored, containers: readonly unknown[]): string {
  const said = containers.flatMap(status => {
    const reason = textAt(status, 'state', 'waiting', 'reason')
    if (reason !== '') return [reason]
    const ended = at(status, 'state', 'terminated')
    return isFields(ended) ? [endOf(ended)] : []
  })
  // kubectl shows the first container with a reason.
  const status = said[0] ?? phaseOf(pod)
  if (status !== 'Completed' || !containers.some(isReady)) return status
  const ready = listAt(pod, 'status', 'conditions').some(c => at(c, 'type') === 'Ready' && at(c, 'status') === 'True')
  return ready ? 'Running' : 'NotReady'
}

function restartsOf(statuses: readonly unknown[], nowMs: number): string {
  const count = statuses.reduce<number>((sum, status) => sum + numberAt(status, 'restartCount'), 0)
  const ends = statuses
    .map(status => Date.parse(textAt(status, 'lastState', 'terminated', 'finishedAt')))
    .filter(time => !Number.isNaN(time))
  return count === 0 || ends.length === 0 ? String(count) : `${count} (${humanDuration(nowMs - Math.max(...ends))} ago)`
}

function gatesOf(pod: Stored): string {
  const gates = listAt(pod, 'spec', 'readinessGates')
  if (gates.length === 0) return '<none>'
  const conditions = listAt(pod, 'status', 'conditions')
  const met = gates.filter(gate =>
    conditions.some(c => at(c, 'type') === at(gate, 'conditionType') && at(c, 'status') === 'True'),
  )
  return `${met.length}/${gates.length}`
}

const podIp = (pod: Stored): string =>
  textAt(listAt(pod, 'status', 'podIPs')[0], 'ip') || textAt(pod, 'status', 'podIP')

export const POD_COLUMNS: readonly TableColumn[] = [
  NAME,
  column('Ready', (pod, now) => {
    const { ready, total } = summaryOf(pod, now)
    return `${ready}/${total}`
  }),
  column('Status', (pod, now) => summaryOf(pod, now).status),
  column('Restarts', (pod, now) => summaryOf(pod, now).restarts),
  AGE_TEXT,
  wide('IP', pod => orNone(podIp(pod))),
  wide('Node', pod => orNone(textAt(pod, 'spec', 'nodeName'))),
  wide('Nominated Node', pod => orNone(textAt(pod, 'status', 'nominatedNodeName'))),
  wide('Readiness Gates', gatesOf),
]
