// ADD and DEL of ifacer: here where the kernel has the link kinds, else in user-mode-linux.
import type { Calls } from './ifacer-calls.js'
import type { Row } from './measure.js'

const ROUNDS = 31
const ROUNDS_IN_MACHINE = 7 // a process takes the better part of a second to start there

function callsOf(under: readonly string[], rounds: number): Calls {
  const command = [...under, 'scripts/bun.sh', 'bench/ifacer-calls.ts', String(rounds)]
  const ran = Bun.spawnSync(command, { stderr: 'pipe' })
  if (ran.exitCode !== 0) throw new Error(`${command.join(' ')}: ${ran.stderr.toString().trim()}`)
  return JSON.parse(ran.stdout.toString()) as Calls
}

type Limits = readonly [call: string, what: string, wallMax: number | undefined, cpuMax: number | undefined]
const HERE: readonly Limits[] = [
  ['nothing', 'ADD, one NIC and no VLAN', 20, 15],
  ['look', 'ADD, observes an existing VLAN (a veth here, so it fails)', 20, 15],
  ['del', 'DEL', undefined, undefined],
]
const KINDS: readonly Limits[] = [
  ['vlanThere', 'ADD, the VLAN exists', 20, 15],
  ['bondThere', 'ADD, the bond and its VLAN exist', 20, 15],
  ['vlanMade', 'ADD, adds the VLAN', undefined, undefined],
  ['bondMade', 'ADD, adds a bond of two with a VLAN', 40, undefined],
]

const msRows = ({ medians }: Calls, limits: readonly Limits[]): readonly Row[] =>
  limits.flatMap(([call, what, wallMax, cpuMax]) => {
    const bound = (max: number | undefined) => (max === undefined ? {} : { bound: `<= ${max} ms` })
    const is = medians[call]
    return [
      { what: `ifacer ${what}, wall`, value: is?.wallMs ?? Number.NaN, unit: 'ms', ...bound(wallMax) },
      { what: `ifacer ${what}, CPU`, value: is?.cpuMs ?? Number.NaN, unit: 'ms', ...bound(cpuMax) },
    ]
  })

/**
 * Without bonds in this kernel: what a bond of two with a VLAN costs except the bonding driver, and
 * the same requests for a bridge and a macvlan.
 */
function likeRows({ medians }: Calls): readonly Row[] {
  const wall = (call: string): number => medians[call]?.wallMs ?? Number.NaN
  return [
    {
      what: 'ifacer ADD, plans a bond of two with a VLAN, up to its first request, wall',
      value: wall('bondTried'),
      unit: 'ms',
    },
    {
      what: '`ip -batch`, its requests for a bridge of two with a macvlan, wall',
      value: wall('bondLike'),
      unit: 'ms',
    },
    { what: 'both together', value: wall('bondTried') + wall('bondLike'), unit: 'ms', bound: '<= 40 ms' },
  ]
}

/** A virtual machine without hardware support is slow: only ratios of figures within it count. */
function ratioRows({ medians }: Calls): readonly Row[] {
  const wall = (call: string): number => medians[call]?.wallMs ?? Number.NaN
  return [
    ...KINDS.map(([call, what]) => ({
      what: `ifacer ${what}, wall / VERSION's, in user-mode-linux`,
      value: wall(call) / wall('version'),
    })),
    {
      what: 'ifacer adds the VLAN / `ip link add`, wall, in user-mode-linux',
      value: wall('vlanMade') / wall('ipVlan'),
    },
    {
      what: 'ifacer adds a bond of two with a VLAN / the ten `ip` commands for it, wall, in user-mode-linux',
      value: wall('bondMade') / wall('ipBond'),
    },
  ]
}

export function ifacer(): Promise<readonly Row[]> {
  const here = callsOf(['unshare', '--net'], ROUNDS)
  const rows = here.kinds
    ? msRows(here, [...HERE, ...KINDS])
    : [...msRows(here, HERE), ...likeRows(here), ...ratioRows(callsOf(['scripts/vmrun.sh'], ROUNDS_IN_MACHINE))]
  return Promise.resolve(rows)
}
