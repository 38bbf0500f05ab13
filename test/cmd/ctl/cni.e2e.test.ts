// `spiderpoolctl cni` on a real kernel: the executables of a conf, as Multus calls them.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { BIN, runExecutable, type Reply } from '../../fixtures/executable.js'
import { openIpam } from '../../fixtures/ipam.js'
import { poolAnnotation } from '../../fixtures/cluster.js'

const bench = await openIpam({ standalone: true })
const { cluster, kubeconfig, netns } = bench
const folder = mkdtempSync(join(tmpdir(), 'ctl-cni-'))
const [master, peer] = [`m${process.pid}`, `p${process.pid}`]
const sh = (...command: string[]): string => {
  const { status, stdout, stderr } = spawnSync(command[0] ?? '', command.slice(1), { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr}`)
  return stdout
}
sh('ip', 'link', 'add', master, 'type', 'veth', 'peer', 'name', peer)
sh('ip', 'link', 'set', master, 'up')
t.teardown(async () => {
  sh('ip', 'link', 'del', master)
  rmSync(folder, { recursive: true })
  await bench.stop()
})

await cluster.pool('web', { subnet: '172.18.0.0/16', ips: ['172.18.30.131-172.18.30.132'] })
await cluster.pod('web-0', poolAnnotation('web'))
const conf = join(folder, 'net.conflist')
const ipam = { type: 'spiderpool', kubeconfig, log_file_path: `${folder}/log` }
const macvlan = { type: 'macvlan-wrapper', master, mode: 'bridge', ipam }
const list = (...more: object[]) => ({ cniVersion: '1.0.0', name: 'lan', plugins: [macvlan, ...more] })
writeFileSync(conf, JSON.stringify(list()))

const ctl = (verb: string, ...more: string[]): Promise<Reply> => {
  const args = ['cni', verb, '--conf', conf, '--netns', netns, '--pod', 'default/web-0', '--bin', BIN, ...more]
  return runExecutable({ name: 'spiderpoolctl', args, env: { KUBECONFIG: kubeconfig } })
}
const namespace = netns.split('/').at(-1) ?? ''
const linksOf = (): string => sh('ip', '-n', namespace, '-br', 'address')

t.test('cni plan: the plan of the executable and the address of the IPAM, and nothing is set up', async t => {
  const { status, stdout, stderr } = await ctl('plan', '--ifname', 'eth0')
  t.equal(status, 0, stderr)
  t.match(stdout, new RegExp(`macvlan-wrapper:\n +eth0 on ${master}: an ADD would apply\n`))
  t.match(stdout, /ADD gives 172.18.30.13\d\/16 of web/)
  t.notMatch(linksOf(), 'eth0')
  t.strictSame(await cluster.addresses(), [])
})

t.test('cni add, check and del: set up, found as it was left, and removed', async t => {
  const added = await ctl('add')
  t.equal(added.status, 0, added.stderr)
  const { ips } = added.json as { readonly ips: readonly { readonly address: string }[] }
  t.match(linksOf(), ips[0]?.address)
  const result = join(folder, 'result.json')
  writeFileSync(result, added.stdout)
  t.match(await ctl('check', '--result', result), { status: 0, stdout: /nothing differs/ })
  t.match(await ctl('plan', '--result', result), { stdout: /eth0 exists already/ })
  sh('ip', '-n', namespace, 'address', 'flush', 'dev', 'eth0')
  t.match(await ctl('check', '--result', result), { status: 1, stderr: /CHECK of macvlan-wrapper fails with code/ })
  t.equal((await ctl('del')).status, 0)
  t.notMatch(linksOf(), 'eth0')
  // The pod is alive: its address is kept for its next sandbox.
  t.match(await cluster.addresses(), [{ spec: { containerID: '' } }])
})

t.test('cni add: a failure of a later plugin is named, and all is removed again', async t => {
  writeFileSync(conf, JSON.stringify(list({ type: 'coordinator', mode: 'no such mode' })))
  const reply = await ctl('add')
  t.strictSame([reply.status, reply.stdout], [1, ''])
  t.match(reply.stderr, /ADD of coordinator fails with code \d+: /)
  t.notMatch(linksOf(), 'eth0')
  // The pod is alive: its address is kept for its next sandbox.
  t.match(await cluster.addresses(), [{ spec: { containerID: '' } }])
})

t.test('cni: bad options are one sentence and status 2', async t => {
  for (const [more, words] of [
    [['--conf', `${folder}/none`], /--conf .*none cannot be read/],
    [['--netns', '/run/netns/none'], /--netns \/run\/netns\/none does not exist/],
    [['--pod', 'default/nope'], /there is no pod default\/nope/],
    [['--bin', folder], /there is no executable macvlan-wrapper in .*; set --bin/],
  ] as const) {
    const reply = await ctl('add', ...more)
    t.strictSame([reply.status, reply.stdout], [2, ''], String(words))
    t.match(reply.stderr, words)
  }
  t.match(await ctl('check'), { status: 2, stderr: /cni check needs --result/ })
})
