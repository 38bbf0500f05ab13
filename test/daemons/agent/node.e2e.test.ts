// What spiderpool-agent keeps current on its node, in a mount namespace where a pod has its service
// account, with an API server that answers a TokenRequest.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { CLIENT_FILE, CNI_NAMES, FULL_IMAGE } from '../../../daemons/install/plan.js'
import { NODE_SYSCTLS } from '../../../daemons/agent/node/sysctls.js'
import { agentEnv } from '../../fixtures/agent.js'
import { eventually } from '../../fixtures/controller.js'
import { BIN } from '../../fixtures/executable.js'

const folder = mkdtempSync(join(tmpdir(), 'agent-node-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))
const at = (...names: string[]): string => join(folder, ...names)

/** The agents' DaemonSet, which a test marks, and its watches. */
const DAEMONSETS = '/apis/apps/v1/namespaces/kube-system/daemonsets'
const daemonSet = (annotations: object): object => ({
  ...{ apiVersion: 'apps/v1', kind: 'DaemonSet' },
  metadata: { name: 'spiderpool-agent', namespace: 'kube-system', resourceVersion: '2', annotations },
})
const watches = new Set<ServerResponse>()
const mark = (): void => {
  const event = { type: 'MODIFIED', object: daemonSet({ 'spiderpool.spidernet.io/uninstalling': 'true' }) }
  for (const response of watches) response.write(`${JSON.stringify(event)}\n`)
}

/** Answers tokens; an unbound one, as Kubernetes before 1.31. Every other request is 404. */
const asked: { readonly path: string; readonly spec: object }[] = []
const api = createServer((request, response) => {
  let text = ''
  request.on('data', part => (text += String(part)))
  request.on('end', () => {
    const answer = (status: number, body: object): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    const [path, query = ''] = (request.url ?? '').split('?')
    if (path === DAEMONSETS && query.includes('watch=')) {
      watches.add(response.writeHead(200, { 'content-type': 'application/json' }))
      return response.flushHeaders()
    }
    if (path === DAEMONSETS)
      return answer(200, { kind: 'DaemonSetList', metadata: { resourceVersion: '1' }, items: [daemonSet({})] })
    if (request.method !== 'POST')
      return answer(404, { kind: 'Status', code: 404, reason: 'NotFound', message: 'none' })
    const { spec } = JSON.parse(text) as { readonly spec: { readonly boundObjectRef?: object } }
    asked.push({ path: (request.url ?? '').replace(/\?.*/, ''), spec })
    if (spec.boundObjectRef)
      return answer(400, { kind: 'Status', code: 400, reason: 'BadRequest', message: 'cannot bind token to Node' })
    const expirationTimestamp = new Date(Date.now() + 3_600_000).toISOString()
    answer(201, {
      kind: 'TokenRequest',
      metadata: { creationTimestamp: null }, // Kubernetes 1.20 names nothing
      status: { token: 'issued', expirationTimestamp },
    })
  })
})
await new Promise<void>(resolve => api.listen(0, '127.0.0.1', resolve))
t.teardown(() => (api.closeAllConnections(), api.close()))
const cluster = { name: 'c', cluster: { server: `http://127.0.0.1:${(api.address() as AddressInfo).port}` } }
const contexts = [{ name: 'c', context: { cluster: 'c', user: '' } }]
const config = { apiVersion: 'v1', kind: 'Config', 'current-context': 'c', clusters: [cluster], contexts }
writeFileSync(at('kubeconfig'), JSON.stringify(config))

const [gone, ...there] = NODE_SYSCTLS
for (const { path } of there) {
  mkdirSync(join(at('sysctl'), path, '..'), { recursive: true })
  writeFileSync(at('sysctl', path), path.endsWith('gc_thresh3') ? '99999\n' : '7\n')
}
writeFileSync(at('conf.yml'), 'enableIPv4: true\ntuneSysctlConfig: true\n')

const ACCOUNT = '/run/secrets/kubernetes.io/serviceaccount'

function start(env: Record<string, string>): { readonly pid: number; end(): Promise<unknown> } {
  const script = [
    'mount -t tmpfs run /run',
    `mkdir -p ${ACCOUNT} && echo own >${ACCOUNT}/token && echo CA >${ACCOUNT}/ca.crt`,
    `exec ${BIN}/spiderpool-agent daemon --config-path ${at('conf.yml')}`,
  ].join(' && ')
  const child = spawn('unshare', ['--mount', 'sh', '-c', script], {
    env: {
      ...agentEnv(at('kubeconfig'), at('s/agent.sock')),
      ...{ KUBERNETES_SERVICE_HOST: '10.96.0.1', CNI_BIN_DIR: at('bin'), CNI_CONF_DIR: at('net.d') },
      ...{ SPIDERPOOL_SYSCTL_DIR: at('sysctl'), ...env },
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const ended = new Promise(resolve => child.once('exit', (code, by) => resolve(code ?? by)))
  return {
    pid: child.pid ?? 0,
    end() {
      child.kill('SIGTERM')
      return ended
    },
  }
}

const kubeconfig = at('net.d/spiderpool.d/spiderpool.kubeconfig')
const listens = (): Promise<true | undefined> => eventually(() => (existsSync(at('s/agent.sock')) ? true : undefined))
/** Twice the interval of comparing, and some slack for a busy machine. */
const RESTORED_MS = 20_000

t.test('spiderpool-agent installs executables and sets sysctls; it writes no credential', async t => {
  const agent = start({})
  t.ok(await listens())
  for (const name of CNI_NAMES) t.ok(statSync(at('bin', name)).ino === statSync(at('bin', 'ifacer')).ino, name)
  t.ok(readFileSync(at('bin/ifacer')).equals(readFileSync(join(BIN, CLIENT_FILE))))
  t.ok(readFileSync(at('bin', FULL_IMAGE)).equals(readFileSync(join(BIN, 'ifacer'))))
  for (const { path, value, isMinimum = false } of there)
    t.equal(readFileSync(at('sysctl', path), 'utf8').trim(), isMinimum ? '99999' : `${value}`, path)
  t.notOk(existsSync(at('sysctl', gone?.path ?? '')), 'a sysctl that the kernel lacks is skipped')
  t.notOk(existsSync(at('net.d')))
  t.strictSame(asked, [])
  t.equal(await agent.end(), 0)
})

t.test('spiderpool-agent with SPIDERPOOL_INSTALL_KUBECONFIG: a token of its own, restored when deleted', async t => {
  const agent = start({ SPIDERPOOL_INSTALL_KUBECONFIG: 'true' })
  t.ok(await listens())
  t.equal(statSync(kubeconfig).mode & 0o777, 0o600)
  const written = readFileSync(kubeconfig, 'utf8')
  t.match(JSON.parse(written), {
    users: [{ user: { token: 'issued' } }],
    clusters: [{ cluster: { server: 'https://10.96.0.1:443' } }],
  })
  const path = '/api/v1/namespaces/kube-system/serviceaccounts/spiderpool-agent/token'
  t.match(asked, [
    { path, spec: { boundObjectRef: { kind: 'Node', name: 'n1' }, expirationSeconds: 86_400 } },
    { path, spec: { boundObjectRef: undefined } },
  ])
  rmSync(kubeconfig)
  rmSync(at('bin/coordinator'))
  t.ok(
    await eventually(
      () => (existsSync(kubeconfig) && existsSync(at('bin/coordinator')) ? true : undefined),
      RESTORED_MS,
    ),
  )
  t.equal(readFileSync(kubeconfig, 'utf8'), written)
  writeFileSync(`/proc/${agent.pid}/root${ACCOUNT}/ca.crt`, 'ANOTHER\n')
  const ca = Buffer.from('ANOTHER\n').toString('base64')
  t.ok(await eventually(() => (readFileSync(kubeconfig, 'utf8').includes(ca) ? true : undefined), RESTORED_MS))
  t.equal(asked.length, 2, 'the token is not asked for again')
  t.equal(await agent.end(), 0)
})

const MULTUS = {
  ...{ SPIDERPOOL_MULTUS_INSTALL: 'true', SPIDERPOOL_MULTUS_UNINSTALL: 'true', SPIDERPOOL_UNINSTALL_FILES: 'true' },
  SPIDERPOOL_NETWORKMANAGER_CONF_DIR: at('nm'),
}
const conf = at('net.d/00-multus.conf')
const multusKubeconfig = at('net.d/multus.d/multus.kubeconfig')
const clusterNetwork = (): unknown =>
  existsSync(conf) ? (JSON.parse(readFileSync(conf, 'utf8')) as { clusterNetwork: unknown }).clusterNetwork : undefined
const becomes = (network: string): Promise<true | undefined> =>
  eventually(() => (clusterNetwork() === network ? true : undefined), RESTORED_MS)
const readiness = async (port: number): Promise<string> => {
  const answer = await fetch(`http://127.0.0.1:${port}/v1/runtime/readiness`)
  return answer.text()
}
const PORT = 45_710

t.test('spiderpool-agent with SPIDERPOOL_MULTUS_INSTALL: the conf of another Multus is left unchanged', async t => {
  rmSync(at('net.d'), { recursive: true })
  mkdirSync(at('net.d'))
  mkdirSync(at('bin'), { recursive: true })
  writeFileSync(at('bin/multus'), 'x')
  const others = JSON.stringify({ name: 'multus-cni-network', type: 'multus', delegates: [{ type: 'bridge' }] })
  writeFileSync(conf, others)
  const agent = start({ ...MULTUS, SPIDERPOOL_HEALTH_PORT: `${PORT}` })
  t.ok(await listens())
  t.match(await readiness(PORT), `${conf}: it is of another installation of Multus`)
  mark()
  t.equal(await agent.end(), 0)
  t.equal(readFileSync(conf, 'utf8'), others)
  t.notOk(existsSync(multusKubeconfig), 'nor is its kubeconfig')
  t.ok(existsSync(at('bin/multus')))
  rmSync(conf)
})

t.test('spiderpool-agent with SPIDERPOOL_MULTUS_INSTALL: 00-multus.conf follows the node’s first conf', async t => {
  rmSync(at('bin/multus'))
  writeFileSync(at('net.d/10-a.conflist'), '{"name":"a"}')
  const agent = start({ ...MULTUS, SPIDERPOOL_HEALTH_PORT: `${PORT}` })
  t.ok(await listens())
  t.notOk(existsSync(conf), 'not before Multus’ executable is there')
  t.match(await readiness(PORT), `${at('bin/multus')} does not exist yet`)
  writeFileSync(at('bin/multus'), 'x')
  t.ok(await becomes('a'))
  t.match(JSON.parse(readFileSync(conf, 'utf8')), {
    ...{ name: 'multus-cni-network', type: 'multus', multusNamespace: 'kube-system' },
    kubeconfig: '/etc/cni/net.d/multus.d/multus.kubeconfig',
  })
  t.notMatch(await readiness(PORT), 'multus')
  t.equal(statSync(multusKubeconfig).mode & 0o777, 0o600)
  t.match(JSON.parse(readFileSync(multusKubeconfig, 'utf8')), { users: [{ user: { token: 'issued' } }] })
  t.match(asked.at(-1), { path: '/api/v1/namespaces/kube-system/serviceaccounts/spiderpool-multus/token' })
  writeFileSync(at('net.d/05-b.conf'), '{"name":"b"}')
  rmSync(multusKubeconfig)
  t.ok(await becomes('b'))
  rmSync(conf)
  t.ok(await becomes('b'), 'restored')
  t.ok(existsSync(multusKubeconfig), 'restored')
  t.strictSame(
    readdirSync(at('net.d')).filter(name => name.includes('part')),
    [],
  )
  t.equal(await agent.end(), 0)
  t.ok(existsSync(conf), 'an agent that ends leaves it')
})

t.test('spiderpool-agent: once its DaemonSet has the mark of clean, it removes its files as it ends', async t => {
  watches.clear()
  writeFileSync(at('bin/ifacer'), 'of others')
  const agent = start({ ...MULTUS, SPIDERPOOL_MULTUS_NETWORK: 'macvlan-conf', SPIDERPOOL_INSTALL_KUBECONFIG: 'true' })
  t.ok(await becomes('macvlan-conf'))
  t.match(readFileSync(at('nm/spidernet.conf'), 'utf8'), '[keyfile]\nunmanaged-devices=interface-name:veth*')
  t.ok(existsSync(kubeconfig))
  rmSync(at('bin/coordinator'))
  writeFileSync(at('bin/coordinator'), 'of others')
  t.ok(await eventually(() => (watches.size > 0 ? true : undefined)))
  mark()
  await new Promise(resolve => setTimeout(resolve, 100))
  t.ok(existsSync(conf), 'not before it ends')
  t.equal(await agent.end(), 0)
  t.strictSame(readdirSync(at('net.d')).sort(), ['05-b.conf', '10-a.conflist'])
  t.strictSame(readdirSync(at('nm')), [])
  t.strictSame(readdirSync(at('bin')), ['coordinator'], 'what is not ours by content')
})
