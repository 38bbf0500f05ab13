// More connections than file descriptors: idle ones are closed, requests and watches continue.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { BIN } from '../../../fixtures/executable.js'
import { restOf, type Watch } from '../../../fixtures/rest.js'

const FILES_MAX = 512
const TICKS_PER_S = 100 // sysconf(_SC_CLK_TCK) on Linux
const NAMESPACES = '/api/v1/namespaces'
const folder = mkdtempSync(join(tmpdir(), 'apiserver-connections-'))
const args = [`--nofile=${FILES_MAX}:${FILES_MAX}`, join(BIN, 'spiderpool-apiserver'), '--data-dir', folder]
const child = spawn('prlimit', args, { stdio: ['ignore', 'pipe', 'inherit'] })
const line = await new Promise<string>((resolve, reject) => {
  child.stdout.setEncoding('utf8').once('data', resolve)
  child.once('exit', code => reject(new Error(`ended with ${code}`)))
})
const port = Number(/:(\d+),/.exec(line)?.[1])
const kubeconfig = join(folder, 'kubeconfig')
t.teardown(async () => {
  const ended = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGTERM')
  await ended
  rmSync(folder, { recursive: true })
})

/** CPU seconds of the process, user and system. */
function cpuS(): number {
  const fields = readFileSync(`/proc/${child.pid ?? 0}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S
}
const wait = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

/** Connections that send nothing, not even a ClientHello. */
function silent(count: number): readonly Socket[] {
  return Array.from({ length: count }, () => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined) // closed by the server beyond its limit
    return socket
  })
}

t.test('Connections closes idle connections and keeps the server responsive, idle and watching', async t => {
  const watcher = restOf(kubeconfig)
  const watch = await watcher.watch(`${NAMESPACES}?watch=1&resourceVersion=1`)
  const sockets = silent(3 * FILES_MAX)
  await wait(1_000)
  const before = cpuS()
  const SECONDS = 3
  for (let i = 0; i < SECONDS * 2; i++) {
    const rest = restOf(kubeconfig) // a connection of its own
    const began = performance.now()
    t.equal((await rest.ask('GET', `${NAMESPACES}/default`)).status, 200)
    const tookMs = performance.now() - began
    t.ok(tookMs < 2_000, `a new client had its answer after ${tookMs} ms`)
    rest.close()
    await wait(500)
  }
  const usedS = cpuS() - before
  t.ok(usedS < SECONDS / 2, `${usedS} s of processor in ${SECONDS} s`)
  const rest = restOf(kubeconfig)
  t.equal((await rest.ask('POST', NAMESPACES, { body: { metadata: { name: 'seen' } } })).status, 201)
  let seen: unknown
  for (let event = await watch.next(); event && seen !== 'seen'; event = await watch.next())
    seen = event.object['metadata']?.['name']
  t.equal(seen, 'seen', 'the watch was not closed')
  for (const socket of sockets) socket.destroy()
  watch.close()
  rest.close()
})

t.test('a watch beyond half of the descriptors fails with 429 until another ends', async t => {
  const rest = restOf(kubeconfig)
  const watches: Watch[] = []
  const path = `${NAMESPACES}?watch=1&resourceVersion=1`
  for (let i = 0; i < FILES_MAX / 2; i++) watches.push(await rest.watch(path))
  const refused = await rest.ask('GET', path)
  t.match(refused, {
    status: 429,
    headers: { 'retry-after': '1' },
    body: { reason: 'TooManyRequests', message: /too many watches/ },
  })
  t.equal((await rest.ask('GET', `${NAMESPACES}/default`)).status, 200, 'other requests are served')
  for (const watch of watches.slice(0, 10)) watch.close()
  await wait(500)
  const again = await rest.watch(path)
  t.match(await again.next(), { object: { kind: 'Namespace' } })
  for (const watch of [...watches, again]) watch.close()
  rest.close()
})
