// `spiderpoolctl bundle` as a process: what is in the archive, and that no secret is.
import { createServer } from 'node:http'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { runExecutable } from '../../../fixtures/executable.js'

const JWT = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW0ifQ.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg'
const PEM = '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqh\n-----END PRIVATE KEY-----'
const SECRETS = [JWT, 'MIIEvQIBADANBgkqh', 'CA-IN-BASE64', 'hunter2', 'user-token-of-kubeconfig']

const env = [
  { name: 'REGISTRY_PASSWORD', value: 'hunter2' },
  { name: 'LOG_LEVEL', value: 'debug' },
]
const agent = {
  metadata: { name: 'spiderpool-agent-x', namespace: 'kube-system' },
  spec: { containers: [{ name: 'spiderpool-agent', env }] },
  status: { containerStatuses: [{ name: 'spiderpool-agent', restartCount: 1 }] },
}
const ITEMS: Readonly<Record<string, readonly object[]>> = {
  pods: [agent],
  spiderippools: [{ metadata: { name: 'web', managedFields: [{}] }, spec: { subnet: '10.0.0.0/24' } }],
  'network-attachment-definitions': [
    { metadata: { name: 'a', namespace: 'default' }, spec: { config: `{"kubernetes":{"token":"hunter2"}}` } },
  ],
  mutatingwebhookconfigurations: [
    { metadata: { name: 'spiderpool-controller' }, webhooks: [{ clientConfig: { caBundle: 'CA-IN-BASE64' } }] },
    { metadata: { name: 'of-others' }, webhooks: [] },
  ],
  events: [
    {
      ...{ metadata: { name: 'e' }, involvedObject: { kind: 'Pod', name: 'p' }, reason: 'FailedCreatePodSandBox' },
      message: `the API server does not accept ${JWT}`,
    },
    { metadata: { name: 'f' }, involvedObject: { kind: 'Pod', name: 'p' }, reason: 'Pulled', message: 'of others' },
  ],
}

const asked: string[] = []
const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://x')
  asked.push(pathname)
  const plural = pathname.split('/').at(-1) ?? ''
  if (plural === 'log') {
    const text = searchParams.get('previous') === 'true' ? `panic: ${PEM}\n` : `reads with Bearer ${JWT}\ncall done\n`
    return void response.writeHead(200, { 'content-type': 'text/plain' }).end(text)
  }
  const isDenied = plural === 'nodes'
  const reply = isDenied
    ? { kind: 'Status', status: 'Failure', reason: 'Forbidden', code: 403, message: 'nodes is forbidden' }
    : plural === 'version'
      ? { gitVersion: 'v1.36.0' }
      : { metadata: { name: plural }, items: ITEMS[plural] ?? [] }
  response.writeHead(isDenied ? 403 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(reply))
})
await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
const folder = mkdtempSync(join(tmpdir(), 'ctl-bundle-'))
t.teardown(() => {
  server.close()
  server.closeAllConnections()
  rmSync(folder, { recursive: true })
})
const kubeconfig = join(folder, 'kubeconfig')
const { port } = server.address() as AddressInfo
writeFileSync(
  kubeconfig,
  JSON.stringify({
    clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}` } }],
    users: [{ name: 'u', user: { token: 'user-token-of-kubeconfig' } }],
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'c',
  }),
)
const ctl = (...args: string[]) => runExecutable({ name: 'spiderpoolctl', args, env: { KUBECONFIG: kubeconfig } })

t.test('bundle --node: objects, Events, logs and confs, without any secret', async t => {
  const [logs, confs, file] = [join(folder, 'logs'), join(folder, 'net.d'), join(folder, 'b.tar.gz')]
  mkdirSync(logs)
  mkdirSync(confs)
  writeFileSync(join(logs, 'spiderpool.log'), `{"msg":"call done","token":"hunter2"}\n`)
  writeFileSync(join(confs, '00-multus.conf'), `{"name":"m","certificate":${JSON.stringify(PEM)}}`)
  writeFileSync(join(confs, 'multus.kubeconfig'), 'token: hunter2')
  const args = ['--node', '--log-dir', logs, '--conf-dir', confs]
  const reply = await ctl('bundle', '-f', file, ...args)
  t.equal(reply.status, 0, reply.stderr)
  t.match(reply.stderr, '1 part could not be read; missing.txt names them')
  t.equal(statSync(file).mode & 0o777, 0o600)
  const out = join(folder, 'out')
  mkdirSync(out)
  execFileSync('tar', ['-xzf', file, '-C', out, '--strip-components=1'])
  const names = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter(name =>
    statSync(join(out, name)).isFile(),
  )
  const text = (name: string): string => readFileSync(join(out, name), 'utf8')
  for (const name of [
    ...['events.json', 'version.txt', 'server-version.json', 'missing.txt', 'objects/spiderippools.json'],
    ...['logs/kube-system_spiderpool-agent-x_spiderpool-agent.log', 'node/logs/spiderpool.log'],
    ...['logs/kube-system_spiderpool-agent-x_spiderpool-agent.previous.log', 'node/confs/00-multus.conf'],
  ])
    t.ok(names.includes(name), name)
  t.notOk(names.some(name => name.includes('kubeconfig')))
  for (const name of names) for (const secret of SECRETS) t.notOk(text(name).includes(secret), `${name}: ${secret}`)
  t.match(text('logs/kube-system_spiderpool-agent-x_spiderpool-agent.log'), 'call done')
  t.match(text('objects/pods.json'), '"debug"')
  t.match(text('missing.txt'), 'nodes is forbidden')
  t.notMatch(text('events.json'), 'of others')
  t.notMatch(text('objects/mutatingwebhookconfigurations.json'), 'of-others')
  t.notOk(asked.some(path => path.endsWith('/secrets')))
  t.match(await ctl('bundle', '-f', file), { status: 2, stderr: /b.tar.gz exists; name another one/ })
})
