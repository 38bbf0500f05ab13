// A misspelt key, in an annotation and in a conf, is reported with the nearest known key.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import t from 'tap'
import { NO_CONTROLLER } from '../fixtures/apiserver.js'
import { SPIDER } from '../fixtures/cluster.js'
import { nicOf, openCoordination } from '../fixtures/coordination.js'
import { BIN, cniEnv, runExecutable } from '../fixtures/executable.js'
import { first, openIpam } from '../fixtures/ipam.js'
import { must } from '../fixtures/netns.js'

const ipam = await openIpam()
const { cluster, name, sandbox } = ipam
t.teardown(() => ipam.stop())

const folder = mkdtempSync(`${tmpdir()}/typos-`)
t.teardown(() => rmSync(folder, { recursive: true }))

const warnedIn = (log: string): readonly string[] =>
  readFileSync(log, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line) as { readonly level: string; readonly msg: string })
    .filter(({ level }) => level === 'WARN')
    .map(({ msg }) => msg)

interface Shown {
  readonly type: string
  readonly reason: string
  readonly message: string
  readonly count: number
  readonly involvedObject: { readonly name: string; readonly uid: string }
}
const eventsOf = async (
  pod: string,
  namespace = 'default',
): Promise<readonly Pick<Shown, 'type' | 'reason' | 'message' | 'count'>[]> => {
  const items = (await cluster.api.items(`/api/v1/namespaces/${namespace}/events`)) as unknown as readonly Shown[]
  return items
    .filter(({ involvedObject }) => involvedObject.name === pod)
    .map(({ type, reason, message, count }) => ({ type, reason, message, count }))
}
const sentence = (key: string, pod: string): string =>
  `annotation ${key} of pod default/${pod} is unknown and has no effect; did you mean ipam.spidernet.io/ippool?`

t.test('ADD of a pod with a misspelt annotation and without a pool names it in the error and in one Event', async t => {
  for (const key of ['ipam.spidernet.io/ipool', 'ipam.spidernet.io/IPPool', 'ipam.spidernet.com/ippool']) {
    const pod = await cluster.pod(name('none') + key.length, { [key]: '{"ipv4":["a"]}' })
    const box = sandbox(pod)
    const refused = { code: 104, msg: new RegExp(`no IPPool available.*; annotation ${key.replaceAll('.', '\\.')} of`) }
    t.match(await box.add(), refused)
    t.match(await box.add(), refused)
    const events = (await eventsOf(pod.name)).filter(({ reason }) => reason === 'UnknownAnnotation')
    t.strictSame(events, [{ type: 'Warning', reason: 'UnknownAnnotation', message: sentence(key, pod.name), count: 1 }])
    await cluster.removePod(pod)
  }
})

t.test('ADD of a pod with a misspelt annotation and a default pool succeeds, and an Event names it', async t => {
  await cluster.pool(name('default'), { subnet: '10.81.0.0/24', ips: ['10.81.0.1-10.81.0.9'], default: true })
  const pod = await cluster.pod(name('typo'), { 'ipam.spidernet.io/ipool': '{"ipv4":["a"]}' })
  t.match(first(await sandbox(pod).add()), /^10\.81\./)
  t.match(await eventsOf(pod.name), [{ message: sentence('ipam.spidernet.io/ipool', pod.name) }])
  const right = await cluster.pod(name('right'), { 'ipam.spidernet.io/ippool': `{"ipv4":["${name('default')}"]}` })
  t.match(first(await sandbox(right).add()), /^10\.81\./)
  t.strictSame(await eventsOf(right.name), [])
})

t.test('ADD of a pod whose Namespace has a misspelt annotation records an Event on the pod', async t => {
  const namespace = name('typos')
  const key = 'ipam.spidernet.io/default-ipv4-ipool'
  await cluster.api.create('namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace, annotations: { [key]: '["a"]' } },
  })
  const pod = await cluster.pod(name('of'), {}, { namespace })
  t.match(first(await sandbox(pod).add()), /^10\.81\./)
  const message = `annotation ${key} of Namespace ${namespace} is unknown and has no effect; did you mean ipam.spidernet.io/default-ipv4-ippool?`
  t.strictSame(await eventsOf(pod.name, namespace), [
    { type: 'Warning', reason: 'UnknownAnnotation', message, count: 1 },
  ])
})

t.test('ADD with an unknown key of the conf is logged with the nearest known key', async t => {
  const pod = await cluster.pod(name('conf'))
  const log = `${folder}/ipam`
  t.match(first(await sandbox(pod).add('eth0', { default_ipv4_ipool: ['a'], log_file_path: log })), /^10\.81\./)
  t.strictSame(warnedIn(log), [
    'ipam.default_ipv4_ipool of the CNI conf is unknown and has no effect; did you mean default_ipv4_ippool?',
  ])
})

t.test('ADD of macvlan-wrapper with an unknown key logs it in the log of the IPAM', async t => {
  const pod = await cluster.pod(name('macvlan'))
  const master = `ty${process.pid}`
  must(`ip link add ${master} type veth peer name ${master}b`)
  t.teardown(() => must(`ip link del ${master}`))
  const log = `${folder}/macvlan`
  const { status, stdout } = await runExecutable({
    name: 'macvlan-wrapper',
    env: cniEnv({ verb: 'ADD', containerID: 'c', netns: ipam.netns, ifName: 'typo0', pod, path: BIN }),
    stdin: JSON.stringify({
      ...{ cniVersion: '1.0.0', name: 'lan', type: 'macvlan-wrapper', master, mastr: 'x', modes: 'bridge' },
      ipam: { type: 'spiderpool', kubeconfig: ipam.kubeconfig, log_file_path: log },
    }),
  })
  t.equal(status, 0, stdout)
  t.strictSame(warnedIn(log), [
    'mastr of the CNI conf is unknown and has no effect; did you mean master?',
    'modes of the CNI conf is unknown and has no effect; did you mean mode?',
  ])
})

t.test('ADD of coordinator with an unknown key logs it', async t => {
  const world = openCoordination()
  t.teardown(world.close)
  const [pod, nic] = [world.pod(), nicOf('eth0', 6)]
  world.attach(pod, nic)
  t.equal((await world.coordinate('ADD', pod, nic, { conf: { hostRuleTabel: 600 } })).status, 0)
  t.strictSame(warnedIn(world.log), [
    'hostRuleTabel of the CNI conf is unknown and has no effect; did you mean hostRuleTable?',
  ])
  t.equal((await world.coordinate('DEL', pod, nic)).status, 0)
})

t.test('ADD of ifacer with an unknown key logs it, and makes nothing', async t => {
  const log = `${folder}/ifacer`
  const { status, stdout } = await runExecutable({
    name: 'ifacer',
    env: cniEnv({ verb: 'ADD', containerID: 'c', netns: ipam.netns }),
    stdin: JSON.stringify({
      ...{ cniVersion: '1.0.0', name: 'lan', type: 'ifacer', interfaces: ['nic'], vlan: 5 },
      ...{ logOptions: { logFile: log }, prevResult: { cniVersion: '1.0.0' } },
    }),
  })
  t.equal(status, 0, stdout)
  t.strictSame(warnedIn(log), ['vlan of the CNI conf is unknown and has no effect; did you mean vlanID?'])
})

const skip = process.env['SPIDERPOOL_TEST_KUBECONFIG'] !== undefined && NO_CONTROLLER // it has no webhook
t.test('kubectl apply of a SpiderMultusConfig with an unknown key of a conf warns of it', { skip }, async t => {
  const metadata = { name: name('typo'), namespace: 'default' }
  const spec = { cniType: 'custom', customCNI: JSON.stringify({ type: 'ifacer', interfaces: ['a'], vlanIDD: 5 }) }
  const { status, stderr } = spawnSync('kubectl', ['--kubeconfig', ipam.kubeconfig, 'create', '-f', '-'], {
    encoding: 'utf8',
    input: JSON.stringify({ apiVersion: SPIDER.slice('/apis/'.length), kind: 'SpiderMultusConfig', metadata, spec }),
  })
  t.equal(status, 0, stderr)
  t.match(stderr, 'Warning: spec.customCNI: vlanIDD of the CNI conf is unknown and has no effect; did you mean vlanID?')
})
