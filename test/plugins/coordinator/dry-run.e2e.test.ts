// `coordinator --plan` as table and as JSON; it changes nothing.
import t from 'tap'
import { CID, HIJACK, nicOf, openCoordination, resultFor, VETH } from '../../fixtures/coordination.js'
import { dumpAll } from '../../fixtures/dump.js'
import { cniEnv, runExecutable, type Reply } from '../../fixtures/executable.js'
import type { Place } from '../../fixtures/netns.js'

const world = openCoordination()
t.teardown(world.close)
const { node, coordinate, attach } = world
const eth0 = nicOf('eth0', 6)

const dryRun = (pod: Place, format: string, conf: object = {}): Promise<Reply> => {
  const base = { cniVersion: '1.0.0', name: 'net', type: 'coordinator', mode: 'auto', ...HIJACK }
  const { CNI_COMMAND: _, ...env } = cniEnv({ verb: '', containerID: CID, netns: pod.path })
  return runExecutable({
    name: 'coordinator',
    env,
    stdin: JSON.stringify({ ...base, prevResult: resultFor(eth0, pod.path), ...conf }),
    under: ['ip', 'netns', 'exec', node.name, 'sh', '-c', `exec "$0" ${format}`],
  })
}

interface Planned {
  readonly mode: string
  readonly isDefaultInterface: boolean
  readonly table: number
  readonly veth: object
  readonly nodeAddresses: readonly string[]
  readonly steps: readonly Step[]
}
interface Step {
  readonly satisfied: boolean
  readonly verb: string
  readonly mac?: string
  readonly link?: { readonly peer: { readonly mac?: string } }
}
const MAC = /^[0-9a-f][26ae](:[0-9a-f]{2}){5}$/ // of one station, locally administered

t.test('--plan before ADD has every step with its sign, and changes nothing', async t => {
  const pod = world.pod()
  attach(pod, eth0)
  const before = [dumpAll(pod), dumpAll(node)]
  const { status, stdout } = await dryRun(pod, '--plan')
  t.equal(status, 0, stdout)
  t.match(stdout, /^eth0 10\.6\.0\.20 fd06::20: underlay, default interface, table 101\n/)
  for (const line of [
    '= in the container  set eth0 up',
    `+ in the container  add link veth0 of kind veth, its peer ${VETH}`,
    '+ in the container  add route 10.96.0.0/12 via 10.6.0.10 dev veth0 src 10.6.0.20 table main',
    `+ on the node       add route 10.6.0.20 dev ${VETH} table 500`,
    '+ on the node       add rule IPv4 1000: from all lookup 500',
    '+ in the container  set nf_tables table inet spiderpool',
  ])
    t.ok(stdout.includes(`\n${line}`), line)

  const { json } = await dryRun(pod, '--plan=json')
  const { steps, ...head } = json as Planned
  t.match(head, {
    mode: 'underlay',
    isDefaultInterface: true,
    table: 101,
    veth: { pod: 'veth0', node: VETH },
    nodeAddresses: ['10.6.0.10', 'fd06::10'],
  })
  const pair = steps.find(({ verb }) => verb === 'addLink')
  t.match([pair?.mac, pair?.link?.peer.mac], [MAC, MAC], 'the pair comes with both its MACs')
  t.notOk(
    steps.some(({ verb }) => verb === 'setMac'),
    'and none is set later, when udev may have looked',
  )
  t.strictSame([dumpAll(pod), dumpAll(node)], before, 'nothing is done')

  t.equal((await coordinate('ADD', pod, eth0)).status, 0)
  const after = (await dryRun(pod, '--plan=json')).json as Planned
  t.strictSame(
    after.steps.filter(({ satisfied }) => !satisfied),
    [],
    'after ADD all of it is so',
  )
  t.match(
    (await dryRun(pod, '--plan')).stdout,
    /\n0 to add, \d+ unchanged \(\+ an ADD would apply it, = satisfied already\)\n$/,
  )

  pod.sh('ip route del 10.96.0.0/12')
  const bent = (await dryRun(pod, '--plan')).stdout
  t.match(bent, /\n\+ in the container  add route 10\.96\.0\.0\/12 [^\n]*\n/)
  t.match(bent, /\n1 to add, \d+ unchanged/)
  t.equal((await coordinate('DEL', pod, eth0)).status, 0)
})

t.test('--plan with mode disabled, and with errors', async t => {
  const pod = world.pod()
  attach(pod, eth0)
  t.equal((await dryRun(pod, '--plan', { mode: 'disabled' })).stdout, 'mode is disabled: nothing would be done\n')
  t.match((await dryRun(pod, '--plan=json', { mode: 'disabled' })).json, { mode: 'disabled', steps: [] })
  t.match(await dryRun(pod, '--plan', { mode: 'overlay' }), { status: 1, json: { code: 999 } })
})
