// What stands on ifacer's links, on a real kernel: macvlan over VLANs and bonds between two nodes,
// tagged frames on the wire, fail-over; links that go.
import { spawn } from 'node:child_process'
import t from 'tap'
import { batch, call, closeLinks, names, netns, openNode, openSwitch, portOf, shown } from '../../fixtures/links.js'
import type { Reply } from '../../fixtures/executable.js'
import { must } from '../../fixtures/netns.js'

t.teardown(closeLinks)
const wire = openSwitch()
const nodes = { a: openNode('a', wire), b: openNode('b', wire) } as const
const NODES = ['a', 'b'] as const

interface Wanted {
  readonly on: string
  readonly netns: string
  readonly ifacer: {
    readonly interfaces: readonly string[]
    readonly bond?: { name: string }
    readonly vlanID?: number
  }
  readonly address: string
}
interface Pod extends Wanted {
  readonly macvlan: object
}

const calling = ({ on, netns: pod }: Wanted, name: string) => ({ on, pod, name, containerID: pod })

function done({ status, stdout }: Reply): void {
  if (status !== 0) throw new Error(stdout)
}

/** ifacer and, with what it answered, macvlan-wrapper on the link that it made. */
async function add(wanted: Wanted): Promise<Pod> {
  const { interfaces, bond, vlanID } = wanted.ifacer
  const master = `${bond?.name ?? interfaces[0] ?? ''}${vlanID === undefined ? '' : `.${vlanID}`}`
  const macvlan = { type: 'macvlan', master, ipam: { type: 'static', addresses: [{ address: wanted.address }] } }
  const first = await call('ADD', wanted.ifacer, calling(wanted, 'ifacer'))
  done(first)
  done(await call('ADD', { ...macvlan, prevResult: first.json }, calling(wanted, 'macvlan-wrapper')))
  return { ...wanted, macvlan }
}

/** As a runtime does: the last plugin first. */
async function del(pod: Pod): Promise<void> {
  done(await call('DEL', pod.macvlan, calling(pod, 'macvlan-wrapper')))
  done(await call('DEL', pod.ifacer, calling(pod, 'ifacer')))
}

const ping = (from: Pod, to: string, how = '-c2 -W2'): string =>
  must(`ip netns exec ${from.netns} ping ${how} ${to} || true`)

interface Tap {
  /** Those so far that hold this hex. */
  frames(holding: string): Promise<readonly string[]>
  close(): void
}

/** Every frame that the switch floods to a port of all its VLANs, tagged, as hex. */
async function openTap(): Promise<Tap> {
  must('[ -e /dev/net/tun ] || modprobe tun')
  const child = spawn('ip', ['netns', 'exec', wire, 'scripts/bun.sh', 'test/fixtures/tap-interface.ts', 'tap0'])
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  while (!said.includes('ready')) {
    if (child.exitCode !== null) throw new Error(`no TAP: ${child.exitCode}`)
    await pause(50)
  }
  batch('ip', wire, ['link set tap0 master br0 up'])
  batch('bridge', wire, ['vlan add dev tap0 vid 100', 'vlan add dev tap0 vid 200'])
  return {
    async frames(holding) {
      await pause(200) // what is in the pipe comes in now
      return said.split('\n').filter(line => line.includes(holding))
    },
    close: () => child.kill(),
  }
}

const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

const bond = { name: 'bond9', mode: 1, options: 'miimon=50;fail_over_mac=active' }
const hex = (ip: string): string =>
  ip
    .split('.')
    .map(part => Number(part).toString(16).padStart(2, '0'))
    .join('')

const pods: Pod[] = []

/** Without a tag there is nothing to see of it on the port that has only tagged VLANs. */
const kinds: readonly [what: string, ifacer: Wanted['ifacer'], subnet: string, tag: string | undefined][] = [
  ['a bond', { interfaces: ['eth1', 'eth2'], bond }, '10.7.0', undefined],
  ['a VLAN of a NIC', { interfaces: ['eth3'], vlanID: 100 }, '10.8.0', '81000064'],
  ['a VLAN of a bond', { interfaces: ['eth1', 'eth2'], vlanID: 200, bond }, '10.9.0', '810000c8'],
]
t.test('ADD: pods of two nodes reach each other over the links, tagged only on the wire', async t => {
  const tap = await openTap()
  t.teardown(tap.close)
  for (const node of NODES)
    batch(
      'bridge',
      wire,
      ['eth1', 'eth2'].map(nic => `vlan add dev ${portOf(node, nic)} vid 1 pvid untagged`),
    )
  for (const [what, ifacer, subnet, tag] of kinds) {
    const [one, two] = await Promise.all(
      NODES.map((node, at) =>
        add({ on: nodes[node], netns: netns(`${node}${subnet}`), ifacer, address: `${subnet}.${at + 1}/24` }),
      ),
    )
    if (!one || !two) throw new Error('there are two nodes')
    t.match(ping(one, `${subnet}.2`), '2 received', what)
    pods.push(one, two)
    if (tag === undefined) continue
    const arp = `${hex(`${subnet}.1`)}000000000000${hex(`${subnet}.2`)}`
    const asks = await tap.frames(arp)
    t.ok(asks.length > 0, `${what}: its ARP requests were seen`)
    for (const frame of asks) {
      t.equal(frame.slice(0, 12), 'f'.repeat(12), 'to all')
      t.equal(frame.slice(24, 36), `${tag}0806`, 'tagged with the VLAN, and ARP behind the tag')
    }
  }
})

t.test('ADD: a ping survives the failure of the active bond member', async t => {
  const from = pods.findLast(({ on }) => on === nodes.a)
  if (from === undefined) throw new Error('there is no pod on a bond')
  const activeOf = (): string => String(shown('bond9', nodes.a)?.linkinfo?.info_data?.['active_slave'])
  const active = activeOf()
  const pinging = new Promise<string>(resolve => {
    const child = spawn('ip', ['netns', 'exec', from.netns, 'ping', '-i0.2', '-c20', '-W1', '10.9.0.2'])
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
    child.on('close', () => resolve(said))
  })
  setTimeout(() => must(`ip -n ${wire} link set ${portOf('a', active)} down`), 1000)
  const received = Number(/(\d+) received/.exec(await pinging)?.[1])
  t.ok(received >= 17, `${received} of 20 came back`)
  t.not(activeOf(), active)
  must(`ip -n ${wire} link set ${portOf('a', active)} up`)
  t.comment('a switch without that VLAN carries none of it')
  batch(
    'bridge',
    wire,
    ['eth1', 'eth2'].map(nic => `vlan del dev ${portOf('b', nic)} vid 200`),
  )
  t.match(ping(from, '10.9.0.2', '-c1 -W1'), '0 received')
})

t.test('ADD: Debian’s ipvlan and vlan plugins work on the links', async t => {
  const ipam = { type: 'static', addresses: [{ address: '10.5.0.1/24' }] }
  const chains: readonly [name: string, ifacer: object, conf: object][] = [
    ['ipvlan', { interfaces: ['eth3'], vlanID: 200 }, { type: 'ipvlan', master: 'eth3.200', ipam }],
    ['vlan', { interfaces: ['eth1', 'eth2'], bond }, { type: 'vlan', master: 'bond9', vlanId: 100, ipam }],
  ]
  for (const [name, ifacer, conf] of chains) {
    const of = { on: nodes.a, pod: netns(name) }
    done(await call('ADD', ifacer, of))
    done(await call('ADD', conf, { ...of, name, bin: '/usr/lib/cni' }))
    t.match(shown('net1', of.pod), { linkinfo: { info_kind: name } })
  }
})

t.test('DEL with removeUnused removes the links with their last pod, and none in use', async t => {
  const node = openNode('c', wire)
  const all = (): string => names(node)
  const at = (pod: string) => ({ on: node, pod, containerID: pod })
  const conf = { interfaces: ['eth1', 'eth2'], vlanID: 100, bond: { ...bond, name: 'b' }, removeUnused: true }
  const [one, two, stranger] = [netns('c1'), netns('c2'), netns('c3')]
  const chain = (pod: string) => ({ on: node, netns: pod, ifacer: conf, address: '10.6.0.1/24' })
  for (const pod of [one, two]) t.match(await call('ADD', conf, at(pod)), { status: 0 })
  t.match(shown('b.100', node), { ifalias: 'ifacer: removed with its last user' })
  t.match(shown('b', node), { ifalias: 'ifacer: removed with its last user' })
  const WHOLE = 'b,b.100,eth1,eth2,eth3,lo'
  const ALONE = 'eth1,eth2,eth3,lo'
  const gc = (valid: object) => call('GC', { ...conf, cniVersion: '1.1.0', 'cni.dev/valid-attachments': valid }, at(''))

  t.match(await call('DEL', conf, at(one)), { status: 0 })
  t.match(await call('DEL', conf, at(one)), { status: 0 }, 'again')
  t.equal(all(), WHOLE, 'another pod holds them')

  must(`ip -n ${node} link add link b.100 name net1 netns ${stranger} type macvlan mode bridge`)
  t.match(await call('DEL', conf, at(two)), { status: 0 })
  t.equal(all(), WHOLE, 'a macvlan that ifacer was not asked for, in another namespace, keeps them')
  must(`ip -n ${stranger} link del net1`)

  t.match(await gc([]), { status: 0 })
  t.equal(all(), ALONE, 'once it is gone, GC removes them')
  await del(await add(chain(two)))
  t.equal(all(), ALONE, 'with the chain’s last DEL the VLAN and the bond are gone')

  t.match(await call('ADD', conf, at(two)), { status: 0 })
  must(`ip -n ${node} addr add 10.77.0.1/24 dev b.100`)
  t.match(await call('DEL', conf, at(two)), { status: 0 })
  t.equal(all(), WHOLE, 'an address of the node keeps them')
  must(`ip -n ${node} addr del 10.77.0.1/24 dev b.100`)

  for (const pod of [one, two]) t.match(await call('ADD', conf, at(pod)), { status: 0 })
  const attachments = [{ containerID: two, ifname: 'net1' }]
  t.match(await gc(attachments), { status: 0 })
  t.equal(all(), WHOLE, 'GC releases the stale attachment and not the other')
  t.match(await gc([]), { status: 0 })
  t.equal(all(), ALONE, 'no users: the VLAN and the bond are removed')
  t.equal(must('find /run/spidernet/ifacer -mindepth 1 | wc -l').trim(), '0', 'and so is every note of them')

  const single = { interfaces: ['eth3'], vlanID: 100 }
  t.match(await call('ADD', single, at(one)), { status: 0 })
  t.match(await call('ADD', { ...single, removeUnused: true }, at(two)), { status: 0 })
  t.match(await call('DEL', { ...single, removeUnused: true }, at(two)), { status: 0 })
  t.equal(all(), 'eth1,eth2,eth3,eth3.100,lo', 'what was made without removeUnused stays')
})

t.test('ADD during DEL of the last pods succeeds: the links exist or are created again', async t => {
  const ifacer = { interfaces: ['eth1', 'eth2'], vlanID: 100, bond: { ...bond, name: 'b' }, removeUnused: true }
  const node = openNode('d', wire)
  const wanted = (at: number): Wanted => ({ on: node, netns: netns(`d${at}`), ifacer, address: `10.4.0.${at}/24` })
  const early = await Promise.all([1, 2].map(at => add(wanted(at))))
  const [late] = await Promise.all([Promise.all([3, 4].map(at => add(wanted(at)))), ...early.map(del)])
  t.equal(names(node), 'b,b.100,eth1,eth2,eth3,lo')
  for (const pod of late) t.ok(shown('net1', pod.netns), 'the pod has its macvlan')
  await Promise.all(late.map(del))
  t.equal(names(node), 'eth1,eth2,eth3,lo', 'and with the last one they are gone')
})
