// spiderpool-apiserver as a process: ready line, files, unix socket, termination.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawn, type ChildProcess } from 'node:child_process'
import t from 'tap'
import { BIN } from '../../fixtures/executable.js'
import { startApiserver } from '../../fixtures/apiserver.js'
import { restOf } from '../../fixtures/rest.js'

const PROGRAM = join(BIN, 'spiderpool-apiserver')
const folder = mkdtempSync(join(tmpdir(), 'apiserver-process-'))
t.teardown(() => rmSync(folder, { recursive: true }))

const line = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    child.stdout?.setEncoding('utf8').once('data', resolve)
    child.once('exit', code => reject(new Error(`ended with ${code}`)))
  })
const end = (child: ChildProcess): Promise<number | null> => new Promise(resolve => child.once('exit', resolve))

t.test('spiderpool-apiserver prints one line when ready and exits 0 on SIGTERM, even with a watch', async t => {
  const dataDir = join(folder, 'first')
  const child = spawn(PROGRAM, ['--data-dir', dataDir], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.match(await line(child), /^spiderpool-apiserver ready at https:\/\/127\.0\.0\.1:\d+, kubeconfig \S+\/kubeconfig\n$/)
  t.equal(statSync(dataDir).mode & 0o777, 0o700)
  t.equal(statSync(join(dataDir, 'kubeconfig')).mode & 0o777, 0o600)
  const api = restOf(join(dataDir, 'kubeconfig'))
  const watch = await api.watch('/api/v1/namespaces?watch=1&resourceVersion=1')
  const began = Date.now()
  child.kill('SIGTERM')
  t.equal(await end(child), 0)
  t.ok(Date.now() - began < 3_000)
  watch.close()
  api.close()
})

t.test('the kubeconfig suffices for a client, before and after a restart', async t => {
  const server = await startApiserver({ standalone: true })
  t.teardown(() => server.stop())
  const api = restOf(server.kubeconfig)
  t.equal((await api.ask('POST', '/api/v1/namespaces', { body: { metadata: { name: 'kept' } } })).status, 201)
  await server.kill9()
  await server.restart()
  t.equal((await api.ask('GET', '/api/v1/namespaces/kept')).status, 200, 'the same CA, the same token')
  api.close()
})

t.test('--unix requires the token and replaces a stale socket', async t => {
  const socketPath = join(folder, 's')
  const dataDir = join(folder, 'unix')
  const args = ['--data-dir', dataDir, '--unix', socketPath]
  const killed = spawn(PROGRAM, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await line(killed)
  killed.kill('SIGKILL')
  await end(killed)
  t.ok(existsSync(socketPath))
  const child = spawn(PROGRAM, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.match(await line(child), `ready at unix://${socketPath}`)
  t.equal(statSync(socketPath).mode & 0o777, 0o600)
  t.match(readFileSync(join(dataDir, 'kubeconfig'), 'utf8'), `"server":"unix://${socketPath}"`)
  const ask = (token: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}` }
      const sent = request({ socketPath, path: '/api/v1/namespaces', headers }, answer => {
        answer.resume()
        resolve(answer.statusCode ?? 0)
      })
      sent.on('error', reject)
      sent.end()
    })
  t.strictSame([await ask(readFileSync(join(dataDir, 'token'), 'utf8').trim()), await ask('x')], [200, 401])
  child.kill('SIGTERM')
  t.equal(await end(child), 0)
})

t.test('--crds applies the manifests of a directory', async t => {
  const crds = mkdtempSync(join(folder, 'crds-'))
  writeFileSync(
    join(crds, 'a.yaml'),
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: from-file, namespace: default}\ndata: {a: "1"}\n',
  )
  const server = await startApiserver({ standalone: true, args: ['--crds', crds] })
  t.teardown(() => server.stop())
  const api = restOf(server.kubeconfig)
  t.match(await api.ask('GET', '/api/v1/namespaces/default/configmaps/from-file'), {
    status: 200,
    body: { data: { a: '1' } },
  })
  const version = async (): Promise<unknown> =>
    (await api.ask('GET', '/api/v1/configmaps')).body['metadata']?.['resourceVersion']
  const before = await version()
  await server.kill9()
  await server.restart()
  t.equal(await version(), before, 'a start without changes writes nothing')
  api.close()
})

const WRONG: readonly (readonly [args: readonly string[], says: RegExp])[] = [
  [['--data-dir', folder, '--listen', '0.0.0.0:0'], /only loopback addresses are served/],
  [[], /--data-dir is not given/],
  [['--data-dir', '/proc/nowhere'], /\/proc\/nowhere/],
  [['--data-dir', join(folder, 'x'), '--crds', '/nowhere'], /\/nowhere/],
  [['--data-dir', join(folder, 'x'), '--unix', '/proc/version'], /is not a socket/],
]
for (const [args, says] of WRONG)
  t.test(`spiderpool-apiserver rejects ${args.slice(-2).join(' ') || 'a missing --data-dir'} in one line`, async t => {
    const { status, stderr, stdout } = spawnSync(PROGRAM, args, { encoding: 'utf8', timeout: 10_000 })
    t.match({ status, stderr, stdout }, { status: 1, stderr: says, stdout: '' })
    t.equal(stderr.trim().split('\n').length, 1, stderr)
  })
