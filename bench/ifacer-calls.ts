// Calls ifacer `ROUNDS` times in this namespace; prints medians of wall and CPU as JSON. Under Bun.
import { measure, median, type Sample } from './measure.js'
import { BIN } from './stage.js'

/** What is measured; `kinds`: only where the kernel has VLANs and bonds. */
export interface Calls {
  readonly kinds: boolean
  readonly medians: Readonly<Record<string, { readonly wallMs: number; readonly cpuMs: number }>>
}

const rounds = Number(process.argv[2] ?? 31)

const ip = (...args: readonly string[]): boolean => Bun.spawnSync(['ip', ...args], { stderr: 'ignore' }).exitCode === 0

const env = (verb: string) => ({
  CNI_COMMAND: verb,
  CNI_CONTAINERID: 'bench',
  CNI_NETNS: '/run/netns/none', // never opened: ifacer works on the node
  CNI_IFNAME: 'net1',
  CNI_PATH: BIN,
})
const call = (verb: string, conf: object): Promise<Sample> =>
  measure({
    file: `${BIN}/ifacer`,
    env: env(verb),
    stdin: JSON.stringify({ cniVersion: '1.0.0', name: 'bench', type: 'ifacer', ...conf }),
  })

interface Case {
  readonly run: () => Promise<Sample>
  readonly status?: number
  /** Before and after each run, not measured. */
  readonly clear?: () => void
}

const bond = { interfaces: ['eth1', 'eth2'], vlanID: 100, bond: { name: 'bond9', mode: 1, options: 'miimon=100' } }
const vlan = { interfaces: ['eth3'], vlanID: 100 }
/**
 * The requests of ifacer for it, with kinds that every kernel has: a bridge for the bond, a macvlan
 * for the VLAN.
 */
const LIKE = [
  'link add spb-0 type bridge',
  ...['eth1', 'eth2'].flatMap(nic => [`link set ${nic} down`, `link set ${nic} master spb-0`, `link set ${nic} up`]),
  'link add bond9.100 link spb-0 type macvlan mode bridge',
  'link set spb-0 name bond9',
  'link set bond9 up',
  'link set bond9.100 up',
]
const ipBatch = (lines: readonly string[]) =>
  measure({ file: 'ip', args: ['-batch', '-'], env: {}, stdin: lines.join('\n') })
const AS_TYPED = [
  'link add bond9 type bond mode 1 miimon 100',
  ...LIKE.slice(1, -4).map(line => line.replace('spb-0', 'bond9')),
  'link set bond9 up',
  'link add link bond9 name bond9.100 type vlan id 100',
  'link set bond9.100 up',
]
/** One after another, as a person would. */
const typed = `for line in ${AS_TYPED.map(line => `'${line}'`).join(' ')}; do ip $line || exit; done`
const noVlan = (): void => void ip('link', 'del', 'eth3.200')
const noBond = (): void => void ip('link', 'del', 'bond9')

const everywhere: Readonly<Record<string, Case>> = {
  version: { run: () => measure({ file: `${BIN}/ifacer`, env: { CNI_COMMAND: 'VERSION' } }) },
  nothing: { run: () => call('ADD', { interfaces: ['eth1'] }) },
  del: { run: () => call('DEL', vlan) },
  /**
   * All requests of an ADD for an existing VLAN; the link of that name is a veth, so the ADD fails.
   */
  look: { run: () => call('ADD', { interfaces: ['eth4'], vlanID: 100 }), status: 1 },
}
const withoutKinds: Readonly<Record<string, Case>> = {
  /** All but the requests that make it: the first one is refused. */
  bondTried: { run: () => call('ADD', bond), status: 1 },
  bondLike: { run: () => ipBatch(LIKE), clear: noBond },
}
const withKinds: Readonly<Record<string, Case>> = {
  vlanThere: { run: () => call('ADD', vlan) },
  vlanMade: { run: () => call('ADD', { ...vlan, vlanID: 200 }), clear: noVlan },
  bondMade: { run: () => call('ADD', bond), clear: noBond },
  bondThere: { run: () => call('ADD', bond) }, // the last one stays
  ipBond: { run: () => measure({ file: 'sh', args: ['-c', typed], env: {} }), clear: noBond },
  ipVlan: {
    run: () => measure({ file: 'ip', args: 'link add link eth3 name eth3.200 type vlan id 200'.split(' '), env: {} }),
    clear: noVlan,
  },
}

async function samplesOf({ run, status = 0, clear }: Case): Promise<readonly Sample[]> {
  const samples: Sample[] = []
  for (let round = 0; round < rounds; round++) {
    clear?.()
    const sample = await run()
    if (sample.status !== status) throw new Error(`status ${sample.status}: ${sample.stdout}`)
    samples.push(sample)
  }
  return samples
}

for (const [one, other] of [
  ['eth1', 'p1'],
  ['eth2', 'p2'],
  ['eth3', 'p3'],
  ['eth4', 'eth4.100'],
] as const) {
  ip('link', 'add', one, 'type', 'veth', 'peer', 'name', other)
  ip('link', 'set', one, 'up')
  ip('link', 'set', other, 'up')
}
const kinds =
  ip('link', 'add', 'k0', 'type', 'bond') && ip('link', 'add', 'link', 'eth1', 'name', 'k1', 'type', 'vlan', 'id', '9')
ip('link', 'del', 'k0')
ip('link', 'del', 'k1')
if (kinds) await call('ADD', vlan)
const medians: Record<string, { wallMs: number; cpuMs: number }> = {}
for (const [name, one] of Object.entries({ ...everywhere, ...(kinds ? withKinds : withoutKinds) })) {
  const samples = await samplesOf(one)
  medians[name] = {
    wallMs: median(samples.map(({ wallMs }) => wallMs)),
    cpuMs: median(samples.map(({ cpuMs }) => cpuMs)),
  }
}
console.log(JSON.stringify({ kinds, medians } satisfies Calls))
