// ADD and DEL one at a time: IPAM alone, and macvlan with IPAM and coordinator, of every way.
import { measure, type Sample } from '../measure.js'
import { BIN, DEBIAN, masterOf } from '../stage.js'
import { GO } from './go.js'
import { measuredBy, spread, type Column, type Figure, type KubeRow } from './rows.js'
import { ipamOnly, openRuntime, waysOf, type KubeRuntime, type Sandbox, type Took, type Way } from './runtime.js'
import type { KubeStage } from './stage.js'

const ROUNDS = Number(process.env['ROUNDS'] ?? '30')

interface Took2 {
  readonly add: readonly Took[]
  readonly del: readonly Took[]
}

type Measured = ReadonlyMap<Column, Took2>

interface Subject {
  readonly way: Way
  readonly runtime: KubeRuntime
  readonly sandboxes: Sandbox[]
  readonly add: Took[]
  readonly del: Took[]
}

let rows = 0

/**
 * Rounds in which every way adds one pod, then rounds in which each deletes one, so that all meet
 * the same machine. A pod is created one round before its ADD: an informer has seen it, as a
 * kubelet's has, and a write precedes each call.
 */
async function rounds(stage: KubeStage, listOf: (way: Way) => Way['conflist']): Promise<Measured> {
  const pool = `calls-${rows}`
  const row = rows++
  await stage.pool(pool, {
    subnet: '10.99.0.0/16',
    ips: [`10.99.${row + 1}.1-10.99.${row + 1}.250`],
    gateway: '10.99.0.1',
  })
  const ways = await waysOf(stage, masterOf())
  const subjects = ways.map((way): Subject => {
    return { way, runtime: openRuntime(way, listOf(way)), sandboxes: [], add: [], del: [] }
  })
  const next = async (): Promise<void> => {
    for (const { way, sandboxes } of subjects) {
      const [pod] = await stage.pods(1, () => ({ node: way.node, pool }))
      if (pod) sandboxes.push({ pod, netns: stage.netns(pod.name) })
    }
  }
  await next()
  for (let round = 0; round < ROUNDS; round++) {
    await next()
    for (const { runtime, sandboxes, add } of subjects) add.push(await runtime.add(at(sandboxes, round)))
  }
  for (let round = 0; round < ROUNDS; round++)
    for (const { runtime, sandboxes, del } of subjects) {
      const sandbox = at(sandboxes, round)
      await stage.endPod(sandbox.pod)
      del.push(await runtime.del(sandbox))
    }
  return new Map(subjects.map(({ way, add, del }) => [way.column, { add, del }]))
}

const at = (sandboxes: readonly Sandbox[], round: number): Sandbox => {
  const found = sandboxes[round]
  if (!found) throw new Error(`no pod of round ${round}`)
  return found
}

const wall = (all: readonly Took[]): Figure => spread(all.map(({ wallMs }) => wallMs))
const cpu = (all: readonly Took[]): Figure => spread(all.map(({ cpuMs }) => cpuMs))

/** The part of one executable in a chain; undefined where the chain has none. */
const stepOf =
  (type: string, of: 'wallMs' | 'cpuMs') =>
  (all: readonly Took[]): Figure | undefined => {
    const found = all.flatMap(({ steps }) => steps.get(type)?.[of] ?? [])
    return found.length === 0 ? undefined : spread(found)
  }

/** The start and end of a process alone, in which all of the above include it. */
async function versions(): Promise<readonly KubeRow[]> {
  const files: ReadonlyMap<Column, string> = new Map([
    ['direct', `${BIN}/spiderpool-ipam`],
    ['peer', `${DEBIAN}/host-local`],
  ])
  const by = new Map<Column, Sample[]>([...files.keys()].map(column => [column, []]))
  for (let round = 0; round < ROUNDS; round++)
    for (const [column, file] of files)
      by.get(column)?.push(await measure({ file, env: { CNI_COMMAND: 'VERSION' }, stdin: '{"cniVersion":"1.0.0"}' }))
  const row = (what: string, of: (sample: Sample) => number): KubeRow => ({
    ...{ what, unit: 'ms', measured: measuredBy(by, samples => spread(samples.map(of))) },
  })
  return [
    row('IPAM plugin VERSION (no request), wall', ({ wallMs }) => wallMs),
    row('IPAM plugin VERSION (no request), CPU', ({ cpuMs }) => cpuMs),
  ]
}

export async function ipam(stage: KubeStage): Promise<readonly KubeRow[]> {
  const measured = await rounds(stage, ({ conflist }) => ipamOnly(conflist))
  const row = (what: string, of: (took: Took2) => Figure, more: Partial<KubeRow> = {}): KubeRow => ({
    ...{ what, unit: 'ms', measured: measuredBy(measured, of) },
    ...more,
  })
  return [
    row('IPAM ADD, wall', ({ add }) => wall(add), { target: { direct: 40, agent: 16 }, go: GO.ipamAdd }),
    row('IPAM ADD, CPU', ({ add }) => cpu(add)),
    row('IPAM DEL, wall', ({ del }) => wall(del), { go: GO.ipamDel }),
    row('IPAM DEL, CPU', ({ del }) => cpu(del)),
    ...(await versions()),
  ]
}

export async function chain(stage: KubeStage): Promise<readonly KubeRow[]> {
  const measured = await rounds(stage, ({ conflist }) => conflist)
  const row = (what: string, of: (took: Took2) => Figure | undefined, more: Partial<KubeRow> = {}): KubeRow => ({
    ...{ what, unit: 'ms', measured: measuredBy(measured, of) },
    ...more,
  })
  const main = (of: 'wallMs' | 'cpuMs', all: readonly Took[]): Figure | undefined =>
    stepOf('macvlan-wrapper', of)(all) ?? stepOf('macvlan', of)(all)
  const coordinator = (of: 'wallMs' | 'cpuMs') => stepOf('coordinator', of)
  return [
    row('macvlan + IPAM ADD, wall', ({ add }) => main('wallMs', add), { go: GO.macvlanAdd }),
    row('macvlan + IPAM ADD, CPU', ({ add }) => main('cpuMs', add), { go: GO.macvlanAddCpu }),
    row('macvlan + IPAM DEL, wall', ({ del }) => main('wallMs', del), { go: GO.macvlanDel }),
    row('macvlan + IPAM DEL, CPU', ({ del }) => main('cpuMs', del)),
    row('coordinator ADD, wall', ({ add }) => coordinator('wallMs')(add)),
    row('coordinator ADD, CPU', ({ add }) => coordinator('cpuMs')(add)),
    row('coordinator DEL, wall', ({ del }) => coordinator('wallMs')(del)),
    row('coordinator DEL, CPU', ({ del }) => coordinator('cpuMs')(del)),
    row('macvlan + IPAM + coordinator ADD, wall', ({ add }) => wall(add), {
      ...{ target: { direct: 75, agent: 36 }, go: GO.chainAdd },
    }),
    row('macvlan + IPAM + coordinator ADD, CPU', ({ add }) => cpu(add), {
      ...{ target: { direct: 60, agent: 32 }, go: GO.chainAddCpu },
    }),
    row('macvlan + IPAM + coordinator DEL, wall', ({ del }) => wall(del), {
      ...{ target: { direct: 95, agent: 75 }, go: GO.chainDel },
    }),
    row('macvlan + IPAM + coordinator DEL, CPU', ({ del }) => cpu(del), { go: GO.chainDelCpu }),
  ]
}
