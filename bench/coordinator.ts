// ADD and DEL of the coordinator, two families, on an empty and a full node, alone and chained.
import { nodeEnv } from '../test/fixtures/node-config.js'
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs'
import { Opener } from '../lib/kernel/sockets.js'
import { chain } from './chain.js'
import { measure, median, type Row, type Sample } from './measure.js'
import { BIN, type Stage } from './stage.js'
import { REST_MS, veth, type Veth } from './veth.js'

const ROUNDS = 31
const LINKS = 5000
const ROUTES = 5000
const NEIGHS = 2000
/** Router solicitations and multicast reports of thousands of new links have ended by then. */
const SETTLE_MS = 15_000
const CID = 'bench0123456789'

function sh(command: string, stdin = ''): void {
  const ran = Bun.spawnSync(['sh', '-c', command], { stdin: Buffer.from(stdin), stdout: 'ignore', stderr: 'pipe' })
  if (ran.exitCode !== 0) throw new Error(`${command}: ${ran.stderr.toString()}`)
}

interface Node {
  readonly name: string
  readonly pod: string
  /** Runs an executable in it. */
  call(verb: string): Promise<Sample>
  close(): void
}

/** A node with an address of each family, a pod with a macvlan of two. */
function openNode(suffix: string, logFile: string): Node {
  const name = `bc${process.pid}${suffix}`
  const pod = `${name}p`
  for (const place of [name, pod]) sh(`ip netns add ${place} && ip -n ${place} link set lo up`)
  sh(
    `ip -n ${name} link add up0 type veth peer name up1 && ip -n ${name} link set up0 up && ip -n ${name} link set up1 up`,
  )
  sh(`ip -n ${name} addr add 10.6.0.10/16 dev up0 && ip -n ${name} addr add fd06::10/64 dev up0 nodad`)
  sh(
    `ip -n ${name} link add link up0 name m0 netns ${pod} type macvlan mode bridge && ip -n ${pod} link set m0 name eth0`,
  )
  sh(
    `ip -n ${pod} link set eth0 up && ip -n ${pod} addr add 10.6.0.20/16 dev eth0 && ip -n ${pod} addr add fd06::20/64 dev eth0 nodad`,
  )
  sh(`ip -n ${pod} route add default via 10.6.0.1 && ip -n ${pod} -6 route add default via fd06::1`)
  const opener = new Opener()
  const fd = openSync(`/run/netns/${name}`, 'r')
  return {
    name,
    pod,
    // A process starts in the namespace of the thread that spawns it, before the first await.
    call: verb =>
      opener.inside(fd, () => measure({ file: `${BIN}/coordinator`, env: env(verb, pod), stdin: conf(logFile) })),
    close() {
      closeSync(fd)
      for (const place of [pod, name]) sh(`ip netns del ${place}`)
    },
  }
}

const env = (verb: string, pod: string) => ({
  CNI_COMMAND: verb,
  CNI_CONTAINERID: CID,
  CNI_NETNS: `/run/netns/${pod}`,
  CNI_IFNAME: 'eth0',
  CNI_PATH: BIN,
  ...nodeEnv(),
})

const conf = (logFile: string, prevResult: object = { interfaces: [{ name: 'eth0' }] }): string =>
  JSON.stringify({
    cniVersion: '1.0.0',
    name: 'bench',
    type: 'coordinator',
    mode: 'underlay',
    overlayPodCIDR: ['10.244.0.0/16', 'fd44::/56'],
    serviceCIDR: ['10.96.0.0/12', 'fd00:10:96::/112'],
    hijackCIDR: ['169.254.0.0/16'],
    logOptions: { logFile },
    prevResult,
  })

/**
 * Links that are up, each with an IPv6 address and routes; more routes, neighbours, and what the
 * coordinator adds for another pod.
 */
function crowd({ name }: Node): void {
  sh(`ip netns exec ${name} sh -c 'echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad'`) // or addresses change for seconds
  const pairs = Array.from({ length: LINKS / 2 }, (_, at) => at)
  sh(`ip -n ${name} -batch -`, pairs.map(at => `link add c${at} type veth peer name d${at}\n`).join(''))
  sh(`ip -n ${name} -batch -`, pairs.map(at => `link set c${at} up\nlink set d${at} up\n`).join(''))
  /** `count` addresses of 10.<second>.0.0/16, from 10.<second>.16.0 on. */
  const ips = (second: number, count: number): readonly string[] =>
    Array.from({ length: count }, (_, at) => `10.${second}.${16 + (at >> 8)}.${at & 255}`)
  sh(
    `ip -n ${name} -batch -`,
    ips(200, ROUTES)
      .map(ip => `route add ${ip} dev up0\n`)
      .join(''),
  )
  for (const [family, other] of [
    [4, '10.6.0.99'],
    [6, 'fd06::99'],
  ] as const)
    sh(`ip -n ${name} -${family} rule add pref 1000 lookup 500 && ip -n ${name} route add ${other} dev c0 table 500`)
  sh(
    `ip -n ${name} -batch -`,
    ips(6, NEIGHS)
      .map(ip => `neigh add ${ip} lladdr 02:00:00:00:00:01 dev up0\n`)
      .join(''),
  )
}

interface Pair {
  readonly add: readonly Sample[]
  readonly del: readonly Sample[]
}

async function rounds(node: Node): Promise<Pair> {
  const [add, del]: [Sample[], Sample[]] = [[], []]
  for (let round = 0; round < ROUNDS; round++)
    for (const [verb, samples] of [
      ['ADD', add],
      ['DEL', del],
    ] as const) {
      await Bun.sleep(REST_MS)
      const sample = await node.call(verb)
      if (sample.status !== 0) throw new Error(`coordinator ${verb}: ${sample.stdout}`)
      samples.push(sample)
    }
  return { add, del }
}

const wall = (samples: readonly Sample[]): number => median(samples.map(({ wallMs }) => wallMs))
const cpu = (samples: readonly Sample[]): number => median(samples.map(({ cpuMs }) => cpuMs))

interface Cost {
  readonly command: string
  readonly requests: number
  readonly dumps: number
}

/** What the plugin wrote of its own cost: the same each time. */
function costIn(logFile: string, command: string): Cost {
  const lines = readFileSync(logFile, 'utf8').trim().split('\n')
  const found = lines.map(line => JSON.parse(line) as Cost).findLast(line => line.command === command)
  if (found === undefined) throw new Error(`${logFile} has no line of ${command}`)
  return found
}

/** The plugin's calls, and the kernel's own part in them. */
interface Measured {
  readonly plugin: Pair
  readonly kernel: Veth
}

const measured = async (node: Node): Promise<Measured> => {
  return { plugin: await rounds(node), kernel: await veth(node.name, node.pod) }
}

/** The plugin's part: what the kernel takes by itself is not its own. */
const own = ({ plugin, kernel }: Measured) => ({
  add: wall(plugin.add) - kernel.madeMs,
  del: wall(plugin.del) - kernel.removedMs,
})

const emptyRows = (there: Measured, costs: readonly Cost[]): readonly Row[] => [
  { what: 'coordinator ADD, wall', value: wall(there.plugin.add), unit: 'ms', bound: '<= 25 ms' },
  { what: 'coordinator ADD, CPU', value: cpu(there.plugin.add), unit: 'ms', bound: '<= 20 ms' },
  { what: 'coordinator DEL, wall', value: wall(there.plugin.del), unit: 'ms', bound: '<= 15 ms' },
  { what: 'coordinator DEL, CPU', value: cpu(there.plugin.del), unit: 'ms' },
  { what: 'of DEL, RTM_DELLINK of the veth in the kernel', value: there.kernel.removedMs, unit: 'ms' },
  { what: 'coordinator DEL without RTM_DELLINK', value: own(there).del, unit: 'ms' },
  ...costs.map(({ command, requests, dumps }) => {
    return { what: `coordinator ${command}, netlink requests (of them dumps)`, value: `${requests} (${dumps})` }
  }),
]

/** The reported rows: by how many percent a full node costs more than an empty one. */
const GROWING: readonly (readonly [what: string, of: (one: Measured) => number, bound?: string])[] = [
  ['coordinator ADD', ({ plugin }) => wall(plugin.add), '< 20 %'],
  ['coordinator DEL', ({ plugin }) => wall(plugin.del), '< 20 %'],
  ['RTM_NEWLINK of a veth in the kernel', ({ kernel }) => kernel.madeMs],
  ['RTM_DELLINK of it', ({ kernel }) => kernel.removedMs],
  ['coordinator ADD without RTM_NEWLINK', one => own(one).add],
  ['coordinator DEL without RTM_DELLINK', one => own(one).del],
  ['coordinator ADD, CPU', ({ plugin }) => cpu(plugin.add)],
  ['coordinator DEL, CPU', ({ plugin }) => cpu(plugin.del)],
]

const fullRows = (empty: Measured, full: Measured): readonly Row[] => [
  { what: 'coordinator ADD on a full node, wall', value: wall(full.plugin.add), unit: 'ms' },
  { what: 'coordinator DEL on a full node, wall', value: wall(full.plugin.del), unit: 'ms' },
  ...GROWING.map(([what, of, bound = '']) => {
    return { what: `${what}: more on a full node`, value: (of(full) / of(empty) - 1) * 100, unit: '%', bound }
  }),
]

export async function coordinator(stage: Stage): Promise<readonly Row[]> {
  const logFile = `${stage.folder}/coordinator.log`
  const empty = openNode('e', logFile)
  const full = openNode('f', logFile)
  try {
    const there = await measured(empty)
    const costs = (['ADD', 'DEL'] as const).map(verb => costIn(logFile, verb))
    rmSync(logFile)
    const chained = await chain(stage, prevResult => conf(logFile, prevResult))
    crowd(full)
    await Bun.sleep(SETTLE_MS)
    return [...emptyRows(there, costs), ...fullRows(there, await measured(full)), ...chained]
  } finally {
    empty.close()
    full.close()
  }
}
