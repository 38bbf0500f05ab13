// ADD without nf_tables in the kernel (strace fails the socket): a message with the remedy, and
// nothing left.
import t from 'tap'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import { nicOf, openCoordination, stateOf } from '../../fixtures/coordination.js'

const world = openCoordination()
const folder = mkdtempSync(`${os.tmpdir()}/no-nft-`)
const TRACE = `${folder}/trace`
t.teardown(() => {
  world.close()
  rmSync(folder, { recursive: true })
})

/**
 * strace counts calls, so the sockets before are counted first: `when` says which ones of a thread
 * fail.
 */
const under = (when?: string): readonly string[] => [
  ...['strace', '-f', '-o', TRACE, '-e', 'trace=socket'],
  ...(when === undefined ? [] : ['-e', `inject=socket:error=EPROTONOSUPPORT:when=${when}`]),
]

/** Which of the first thread's sockets are for netfilter, from 1. */
function netfilterSockets(): readonly number[] {
  const lines = readFileSync(TRACE, 'utf8').split('\n')
  const thread = /^\d+/.exec(lines.find(line => line.includes('NETLINK_NETFILTER')) ?? '')?.[0] ?? 'none'
  const sockets = lines.filter(line => line.startsWith(`${thread} `) && line.includes(' socket('))
  return sockets.flatMap((line, at) => (line.includes('NETLINK_NETFILTER') ? [at + 1] : []))
}

t.test('ADD on a kernel without nf_tables fails with a remedy and rolls back', async t => {
  const pod = world.pod()
  const nic = nicOf('eth0', 6)
  world.attach(pod, nic)
  const before = { pod: stateOf(pod), node: stateOf(world.node), links: [pod.links(), world.node.links()] }

  await world.coordinate('ADD', pod, nic, { under: under() })
  const [looking = 0] = netfilterSockets()
  await world.coordinate('DEL', pod, nic)
  await world.coordinate('ADD', pod, nic, { under: under(String(looking)) })
  const [, doing = 0] = netfilterSockets()
  await world.coordinate('DEL', pod, nic)
  t.ok(doing > looking && looking > 0, `sockets ${looking} and ${doing}: to look, and, that refused, to do`)

  const { status, json } = await world.coordinate('ADD', pod, nic, { under: under(`${looking}+${doing - looking}`) })
  t.equal(status, 1)
  t.match(json, {
    cniVersion: '1.0.0',
    code: Number,
    msg: /set nf_tables table inet spiderpool.*: protocol not supported \(this kernel lacks nf_tables .*: modprobe nf_tables nft_ct, or use Linux 5\.2 /,
  })
  t.strictSame({ pod: stateOf(pod), node: stateOf(world.node), links: [pod.links(), world.node.links()] }, before)
})
