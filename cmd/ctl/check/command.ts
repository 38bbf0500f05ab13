// `check`: what differs among addresses, records, pods, pools and the kernel of a node; with
// --repair it mends that.
import { COORDINATOR_NAME } from '../../../lib/coordinator/cluster-config.js'
import { differencesOf, isWrong, lasting } from '../../../lib/check/decide.js'
import type { CheckDifference, CheckState, NodeKernel } from '../../../lib/check/state.js'
import type { SpiderCoordinator } from '../../../lib/crd/coordinator.js'
import { SPIDER_COORDINATORS } from '../../../lib/kube/kinds.js'
import type { Cluster } from '../cluster.js'
import { printValue, type CtlCommand, type CtlContext } from '../context.js'
import { installation } from '../installation.js'
import { counted } from '../output.js'
import { CtlError } from '../status.js'
import { look, type LookOptions } from './look.js'
import { planText, rowOf } from './plan.js'
import { repairAll, type RepairOutcome } from './repair.js'

export interface CheckOptions {
  readonly repair?: boolean
  readonly yes?: boolean
  readonly node?: string | boolean
  readonly settle?: string
  readonly unrecorded?: string
}

const TABLE = 500
/** Repairs uncover differences that others hid, such as counts: looks of one run at most. */
const ROUNDS_MAX = 5

/** `check [--repair [--yes]] [--node [NAME]]` */
export const check: CtlCommand<CheckOptions> = async (context, _, options) => {
  const seconds = (name: 'settle' | 'unrecorded', initial: number): number => secondsOf(options[name], name, initial)
  const settleMs = seconds('settle', 10) * 1000
  const { switches } = await installation(context.cluster)
  const features = {
    statefulSet: switches['enableStatefulSet'] ?? true,
    kubevirt: switches['enableKubevirtStaticIP'] ?? true,
  }
  const kernel = options.node === undefined ? undefined : await kernelOf(options.node, context.cluster)
  const warned = new Set<string>()
  const warn = (sentence: string): void => {
    if (!warned.has(sentence)) context.warn(sentence)
    warned.add(sentence)
  }
  const settings = { unrecordedMs: seconds('unrecorded', 240) * 1000, features, kernel, warn, settleMs }
  const first = await differences(context.cluster, settings)
  if (options.repair !== true) {
    printPlan(first.found, context)
    return first.found.some(isWrong) ? 'no' : 'ok'
  }
  return repair(first, settings, { context, yes: options.yes === true })
}

function secondsOf(text: string | undefined, name: string, initial: number): number {
  const value = text === undefined ? initial : Number(text)
  if (text === '' || !Number.isFinite(value) || value < 0)
    throw new CtlError('usage', `--${name} is "${text}"; write a number of seconds, such as ${initial}`)
  return value
}

async function kernelOf(option: string | boolean, cluster: Cluster): Promise<() => Promise<NodeKernel>> {
  const coordinator = await cluster.ifAllowed(
    SPIDER_COORDINATORS,
    cluster.find<SpiderCoordinator>(SPIDER_COORDINATORS, { name: COORDINATOR_NAME }),
  )
  const table = coordinator?.spec?.hostRuleTable ?? TABLE
  const [{ readKernel }, { hostname }] = await Promise.all([import('./kernel.js'), import('node:os')])
  const node = typeof option === 'string' ? option : hostname().toLowerCase()
  return () => Promise.resolve(readKernel(node, table))
}

interface Settings extends LookOptions {
  readonly settleMs: number
}

interface Look {
  readonly state: CheckState
  readonly found: readonly CheckDifference[]
}

/** What a second look after settleMs finds again, on the same versions of the objects. */
async function differences(cluster: Cluster, { settleMs, ...options }: Settings): Promise<Look> {
  const state = await look(cluster, options)
  const first = differencesOf(state)
  if (first.length === 0) return { state, found: [] }
  await new Promise(resolve => setTimeout(resolve, settleMs))
  const again = await look(cluster, options)
  return { state: again, found: lasting(first, differencesOf(again)) }
}

function printPlan(found: readonly CheckDifference[], context: CtlContext): void {
  if (context.format === 'name') context.print(found.map(({ object }) => `${object}\n`).join(''))
  else if (!printValue(context, found.map(rowOf))) context.print(planText(found, context))
}

async function repair(
  first: Look,
  settings: Settings,
  { context, yes }: { readonly context: CtlContext; readonly yes: boolean },
): Promise<'ok' | 'no'> {
  const isText = context.format === 'table' || context.format === 'wide'
  if (isText) printPlan(first.found, context)
  const mendable = first.found.filter(one => one.repair !== undefined)
  if (mendable.length > 0 && !yes) {
    const answer = await context.confirm(`Repair ${counted(mendable.length, 'difference')}?`)
    if (!answer) {
      context.warn('nothing was repaired')
      return 'no'
    }
  }
  const signal = context.interruptible()
  const outcomes: RepairOutcome[] = []
  let now = first
  for (let round = 0; round < ROUNDS_MAX && !signal.aborted; round++) {
    if (!now.found.some(one => one.repair !== undefined)) break
    outcomes.push(...(await oneRound(now, { context, signal, isText })))
    now = await differences(context.cluster, settings)
  }
  if (signal.aborted)
    context.warn(
      `stopped by Ctrl-C after ${counted(outcomes.length, 'repair')}; each is complete, and another run does the rest`,
    )
  const left = now.found
  if (!isText) printValue(context, { repairs: outcomes, left: left.map(rowOf) })
  else context.print(left.length === 0 ? 'nothing differs any more\n' : `\nleft:\n${planText(left, context)}`)
  return left.some(isWrong) || signal.aborted ? 'no' : 'ok'
}

interface Round {
  readonly context: CtlContext
  readonly signal: AbortSignal
  readonly isText: boolean
}

async function oneRound({ found, state }: Look, { context, signal, isText }: Round): Promise<readonly RepairOutcome[]> {
  const applyOnNode = state.kernel ? (await import('./kernel.js')).applyOnNode : () => undefined
  return repairAll(found, state, {
    ...{ cluster: context.cluster, applyOnNode, isInterrupted: () => signal.aborted },
    onOutcome({ object, kind, outcome, message }) {
      if (!isText) return
      const text = { repaired: 'repaired', changed: 'changed meanwhile, left as it is', failed: `failed: ${message}` }[
        outcome
      ]
      context.print(`${object} ${kind}: ${text}\n`)
    },
  })
}
