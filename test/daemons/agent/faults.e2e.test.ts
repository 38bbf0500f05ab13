// spiderpool-agent as a process while its API server or its clock misbehaves: an expired token, an
// outage under fifty ADDs, steps of the clock. Each fault is two log lines: it begins, it is over.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { startAgent, type AgentFixture } from '../../fixtures/agent.js'
import { startApiserver } from '../../fixtures/apiserver.js'
import { containerId, openCluster, poolAnnotation, type PodRef } from '../../fixtures/cluster.js'
import { eventually } from '../../fixtures/controller.js'
import { cniEnv } from '../../fixtures/executable.js'
import { startFaulty } from '../../fixtures/faulty-apiserver.js'
import { nodeEnv } from '../../fixtures/node-config.js'

/** A standalone one: its kubeconfig has a token. */
const server = await startApiserver({ standalone: true })
const cluster = openCluster(server.kubeconfig)
const faulty = await startFaulty(server.kubeconfig)
const folder = mkdtempSync(join(tmpdir(), 'agent-faults-'))
const netns = `faults${process.pid}`
spawnSync('ip', ['netns', 'add', netns])
t.teardown(async () => {
  spawnSync('ip', ['netns', 'del', netns])
  await faulty.stop()
  await server.stop()
  rmSync(folder, { recursive: true })
})
const pool = `faults-${process.pid}`
await cluster.pool(pool, { subnet: '10.82.0.0/24', ips: ['10.82.0.10-10.82.0.200'] })

interface CallReply {
  readonly exitCode: number
  readonly json: { readonly code?: number; readonly msg?: string; readonly ips?: readonly { address: string }[] }
}

interface Sandbox {
  readonly pod: PodRef
  readonly id: string
}

const sandbox = async (name: string): Promise<Sandbox> => ({
  pod: await cluster.pod(name, poolAnnotation(pool)),
  id: containerId(),
})

async function call(agent: AgentFixture, verb: string, { pod, id }: Sandbox, ipam: object = {}): Promise<CallReply> {
  const { json } = await agent.ask('POST', '/v1/cni/spiderpool-ipam', {
    env: cniEnv({ verb, containerID: id, netns: `/run/netns/${netns}`, pod }),
    stdin: JSON.stringify({
      ...{ cniVersion: '1.0.0', name: 'net', type: 'any' },
      ipam: { type: 'spiderpool', log_file_path: '/dev/null', ...ipam },
    }),
  })
  const { exitCode, stdout } = json as { readonly exitCode: number; readonly stdout: string }
  return { exitCode, json: (stdout === '' ? {} : JSON.parse(stdout)) as CallReply['json'] }
}

async function remove(agent: AgentFixture, sandboxes: readonly Sandbox[]): Promise<void> {
  await Promise.all(sandboxes.map(({ pod }) => cluster.removePod(pod)))
  await Promise.all(sandboxes.map(one => call(agent, 'DEL', one)))
}

const held = async (): Promise<number> => (await cluster.addresses(pool)).length
const warned = ({ log }: AgentFixture): readonly string[] =>
  log.filter(({ level }) => level === 'WARN').map(({ msg }) => msg)
const trusts = async (agent: AgentFixture): Promise<true | undefined> =>
  /^spiderpool_agent_untrusted_caches\{/m.test(await agent.metrics()) ? undefined : true
const SOON_MS = 15_000

t.test('an expired token: one line, each ADD fails with a sentence; the renewed one counts at once', async t => {
  const kubeconfig = JSON.parse(readFileSync(faulty.kubeconfig, 'utf8')) as {
    readonly users: readonly [{ readonly user: { readonly token: string } }]
  }
  const tokenFile = join(folder, 'token')
  /** Replaced as the kubelet does. */
  const rotate = (token: string): void => {
    writeFileSync(`${tokenFile}.next`, token)
    renameSync(`${tokenFile}.next`, tokenFile)
  }
  rotate(kubeconfig.users[0].user.token)
  const path = join(folder, 'kubeconfig')
  writeFileSync(path, JSON.stringify({ ...kubeconfig, users: [{ name: 'u', user: { tokenFile } }] }), { mode: 0o600 })
  const agent = await startAgent(path, { env: nodeEnv() })
  t.ok(await eventually(() => trusts(agent), SOON_MS), 'the caches are there')
  const [one, two] = [await sandbox('token-1'), await sandbox('token-2')]
  t.match(await call(agent, 'ADD', one), { exitCode: 0 })

  rotate('expired')
  await new Promise(resolve => setTimeout(resolve, 1_100)) // a token from a file is cached for a second
  faulty.killWatches()
  t.match(await agent.said('does not know the client', SOON_MS), { level: 'WARN', msg: /the watch of .* expired/ })
  t.match(await call(agent, 'ADD', two), { exitCode: 1, json: { msg: /the token .* is wrong or has expired/ } })
  t.equal(await held(), 1)

  rotate(kubeconfig.users[0].user.token)
  await agent.said('accepts the credential again', SOON_MS)
  t.match(await call(agent, 'ADD', two), { exitCode: 0 })
  t.ok(await eventually(() => trusts(agent), SOON_MS), 'the caches are believed again')
  t.equal(warned(agent).filter(line => /does not know/.test(line)).length, 1)
  t.equal(warned(agent).filter(line => /accepts the credential/.test(line)).length, 1)
  await remove(agent, [one, two])
  t.equal(await held(), 0)
  t.equal(await agent.end('SIGTERM'), 0)
})

for (const status of [401, 503] as const)
  t.test(`records that are refused with ${status} for a while: two lines, and all are written`, async t => {
    const agent = await startAgent(faulty.kubeconfig, { env: nodeEnv() })
    t.ok(await eventually(() => trusts(agent), SOON_MS))
    const all = await Promise.all([1, 2, 3].map(at => sandbox(`late-${status}-${at}`)))
    let isRefused = true
    faulty.judge = ({ method, path }) =>
      isRefused && method === 'POST' && path.endsWith('/spiderendpoints') ? { kind: 'status', status } : undefined
    for (const one of all) t.match(await call(agent, 'ADD', one), { exitCode: 0 })
    t.match(await agent.said('tried again until it is', SOON_MS), { level: 'WARN' })
    t.match(await agent.metrics(), /^spiderpool_agent_pending_records [123]$/m)
    isRefused = false
    await agent.said('SpiderEndpoints are written again', SOON_MS)
    t.equal((await cluster.endpoints()).length, all.length)
    t.equal(warned(agent).filter(line => /tried again until it is/.test(line)).length, 1)
    faulty.judge = () => undefined
    await remove(agent, all)
    t.equal(await held(), 0)
    t.equal(await agent.end('SIGTERM'), 0)
  })

t.test('the API server is away under fifty ADDs: code 11 in time, nothing left, and two lines', async t => {
  const agent = await startAgent(faulty.kubeconfig, { env: nodeEnv() })
  t.ok(await eventually(() => trusts(agent), SOON_MS))
  const all = await Promise.all(Array.from({ length: 50 }, (_, at) => sandbox(`away-${at}`)))
  await faulty.leave()
  await agent.said('the API server is away', SOON_MS)
  const beganMs = performance.now()
  const failed = await Promise.all(all.map(one => call(agent, 'ADD', one, { timeouts: { add: 2 } })))
  t.ok(performance.now() - beganMs < 10_000, 'no ADD waits longer than its timeout')
  t.strictSame([...new Set(failed.map(({ exitCode, json }) => `${exitCode} ${json.code}`))], ['1 11'])
  t.match(failed[0]?.json.msg, /127\.\d+\.\d+\.\d+:\d+/, 'the sentence names the API server')
  t.match(await agent.health('liveness'), { status: 200 }, 'an outage is no reason to restart the agent')

  const waiting = all.map(one => call(agent, 'ADD', one))
  await faulty.comeBack()
  const added = await Promise.all(waiting)
  t.equal(added.filter(({ exitCode }) => exitCode === 0).length, 50, 'ADDs that wait succeed once it is back')
  t.equal(new Set(added.map(({ json }) => json.ips?.[0]?.address)).size, 50)
  t.equal(await held(), 50)
  await agent.said('the API server is back', SOON_MS)
  t.ok(await eventually(() => trusts(agent), SOON_MS))
  t.strictSame(
    warned(agent).map(line => /the API server is (away|back)/.exec(line)?.[1] ?? line),
    ['away', 'back'],
  )
  await remove(agent, all)
  t.equal(await held(), 0)
  t.equal(await agent.end('SIGTERM'), 0)
})

t.test('the clock is set a day back and two ahead: caches are believed, records written, claims kept', async t => {
  const root = fileURLToPath(new URL('../../..', import.meta.url))
  const agent = await startAgent(faulty.kubeconfig, {
    command: [`${root}scripts/bun.sh`, '--preload', `${root}test/fixtures/stepping-clock.ts`, `${root}main.ts`],
    args: ['spiderpool-agent'],
    env: { ...nodeEnv(), CLOCK_STEPS_MS: '-86400000,172800000' },
  })
  t.ok(await eventually(() => trusts(agent), SOON_MS))
  for (const [at, when] of ['now', 'a day back', 'a day ahead'].entries()) {
    const stepped = (): number => agent.log.filter(({ msg }) => msg.includes('has stepped')).length
    if (at > 0) agent.signal('SIGUSR2')
    t.ok(await eventually(() => stepped() === at || undefined, SOON_MS), when)
    t.ok(await trusts(agent), 'the caches are believed')
    const one = await sandbox(`clock-${at}`)
    t.match(await call(agent, 'ADD', one), { exitCode: 0 })
    const recorded = async (): Promise<true | undefined> =>
      (await cluster.endpoints()).some(({ metadata }) => metadata.name === one.pod.name) || undefined
    t.ok(await eventually(recorded, 3_000), 'the record follows')
    await remove(agent, [one])
    t.equal(await held(), 0)
  }
  t.equal(await agent.end('SIGTERM'), 0)
})
