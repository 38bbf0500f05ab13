// The calls of a schedule by the executable itself: processes side by side, killed by SIGKILL at a
// system call or at a moment. Runs under Bun.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cniEnv } from '../../fixtures/executable.js'
import { NODE_CONFIG_VARIABLE } from '../../fixtures/node-config.js'
import { CONFS, isPlugged, podOf, userOf, type Came, type Done, type Odds, type Op, type Perform } from './schedules.js'

export interface Place {
  readonly bin: string
  /** Path of the network namespace of all pods. */
  readonly pods: string
  /** Exists; for confs and replies. */
  readonly folder: string
}

/** What changes something: requests to the kernel, notes, the reply. */
const CHANGING = 'write,mkdir,unlink,rmdir,flock'
/** The ADD of a bond with a VLAN has 40 of them; most calls are over before. */
const CHANGES_MAX = 40
const SOME = 24
/** Before it, the node is only looked at. */
const FIRST_MADE = 17
/**
 * From a bare node it is few calls, most of them killed or beside another, that find what is weak.
 */
export const ODDS: Odds = { adds: 0.8, killed: 0.6, meeting: 0.6, deaths: 2 * SOME }
const diesAt = (change: number): number => 2 * (change - 1)

/**
 * Calls of an even `dies` end with such a system call, undone; the others at a moment of the time
 * that the longest call takes. A call that is to meet another waits at one, for as long as the
 * other takes.
 */
function under({ dies, other, at = 0 }: Op, usualS: number): readonly string[] {
  const strace = (what: string, call: number): readonly string[] =>
    `strace -f -o /dev/null -e trace=${CHANGING} -e inject=${CHANGING}:${what}:when=${call}`.split(' ')
  if (dies === undefined) return other ? strace(`delay_enter=${Math.round(usualS * 2e6)}`, FIRST_MADE + 2 * at) : []
  if (dies % 2 === 0) return strace('signal=KILL', 1 + dies / 2)
  return ['timeout', '-s', 'KILL', (0.05 + (usualS * dies) / ODDS.deaths).toFixed(3)]
}

const [MARKED_VLAN, MARKED_BOND, MARKED_BOTH, VLAN_OF_BOND] = [1, 4, 6, 8] // in the table of confs
const add = (conf: number, pod: number) => ({ verb: 'ADD', conf, pod }) as const
const del = (conf: number, pod: number) => ({ verb: 'DEL', conf, pod }) as const

/**
 * From a bare node: the ADD that makes most and the DEL that removes most, each killed at every
 * `step`-th change, and ADD again.
 */
const killed = (step: number): readonly (readonly Op[])[] =>
  Array.from({ length: CHANGES_MAX / step }, (_, at) => diesAt(1 + at * step)).flatMap(dies => [
    [{ ...add(MARKED_BOTH, 1), dies }, add(MARKED_BOTH, 2)],
    [add(MARKED_BOTH, 1), { ...del(MARKED_BOTH, 1), dies }, add(MARKED_BOTH, 2)],
  ])

/**
 * Two at once: both make the same; one makes what the other stands on; the last pod leaves as one
 * comes.
 */
const meetings: readonly (readonly Op[])[] = [
  ...[0, 2, 4].map(at => [{ ...add(MARKED_BOTH, 1), at, other: add(MARKED_BOTH, 2) }]),
  [{ ...add(MARKED_VLAN, 1), other: add(MARKED_VLAN, 2) }],
  [{ ...add(MARKED_BOND, 1), other: add(VLAN_OF_BOND, 2) }],
  ...[MARKED_BOND, MARKED_BOTH].map(conf => [add(MARKED_BOTH, 1), { ...add(conf, 2), other: del(MARKED_BOTH, 1) }]),
]

/** What is always tried, with a name for each. */
export const scenes = (step: number): readonly (readonly [name: string, schedule: readonly Op[]])[] => [
  ...killed(step).map((schedule, at) => [`killed ${at}`, schedule] as const),
  ...meetings.map((schedule, at) => [`meeting ${at}`, schedule] as const),
]

/** A line of `sh` that leaves the status in FOLDER/rc and the reply in FOLDER/out. */
function lineOf(op: Op, { bin, pods, folder }: Place, before: readonly string[]): string {
  const { network, containerID, ifName } = userOf(op)
  const conf = { cniVersion: '1.0.0', name: network, type: 'ifacer', ...CONFS[op.conf] }
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${folder}/conf`, JSON.stringify({ ...conf, logOptions: { logFile: `${folder}/log` } }))
  writeFileSync(`${folder}/node.json`, JSON.stringify({ logFolders: [folder] }))
  const env = Object.entries({
    ...cniEnv({ verb: op.verb, containerID, netns: pods, ifName, path: '/' }),
    [NODE_CONFIG_VARIABLE]: `${folder}/node.json`,
  })
  const command = [...before, 'env', ...env.map(([key, value]) => `${key}=${value}`), `${bin}/ifacer`]
  return `${command.join(' ')} <${folder}/conf >${folder}/out; echo $? >${folder}/rc`
}

const STATUS_KILLED = 137

function cameOf(op: Op, folder: string): Exclude<Came, 'stranded'> {
  const text = (file: string): string => readFileSync(`${folder}/${file}`, 'utf8').trim()
  const status = Number(text('rc'))
  if (status === 0) return 'done'
  if (status === STATUS_KILLED && op.dies !== undefined) return 'killed'
  const reply = status === 1 ? (JSON.parse(text('out')) as { code: number; msg: string }) : undefined
  if (op.verb === 'ADD' && reply?.code === 999) return 'refused'
  throw new Error(`${JSON.stringify(op)} ended with ${status}: ${text('out')}`)
}

/** `usualS`: how long an ADD takes here that makes all. */
export const performBy =
  (place: Place, usualS: number): Perform =>
  (op, arena) => {
    const ops = op.other ? [op, op.other] : [op]
    for (const one of ops) if (one.verb === 'DEL') arena.unplug(podOf(one))
    const folders = ops.map((_, at) => `${place.folder}/${at}`)
    const lines = ops.map((one, at) => lineOf(one, { ...place, folder: folders[at] ?? '' }, under(one, usualS)))
    Bun.spawnSync(['sh', '-c', `${lines.map(line => `(${line}) 2>/dev/null &`).join('\n')}\nwait`])
    const done = ops.map((one, at): Done => ({ op: one, came: cameOf(one, folders[at] ?? '') }))
    for (const folder of folders) rmSync(folder, { recursive: true })
    return done.map(({ op: one, came }) =>
      one.verb === 'ADD' && came === 'done' && !isPlugged(one, arena)
        ? { op: one, came: 'stranded' }
        : { op: one, came },
    )
  }
