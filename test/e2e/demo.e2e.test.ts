// `make demo` to its end and interrupted; afterwards no process and no namespace of it is left.
import t, { type Test } from 'tap'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const MS_MAX = 30_000
const SESSION = 3 // field of /proc/PID/stat behind the name: state, parent, group, session

interface Ended {
  readonly status: number | null
  readonly output: string
  readonly ms: number
  readonly session: number
  /** Processes that were there when it was stopped. */
  readonly during: number
}

/** Runs the demo in a session of its own; once `stopAt` is printed, sends `signal` to `whom`. */
function demo(
  stop?: { at: RegExp; signal: NodeJS.Signals; whom: 'group' | 'first' },
  env = process.env,
): Promise<Ended> {
  const started = performance.now()
  const child = spawn('demo/run.sh', [], { cwd: ROOT, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const session = child.pid ?? 0
  let output = ''
  let isStopped = false
  let during = 0
  const hear = (text: Buffer): void => {
    output += text.toString()
    if (!stop || isStopped || !stop.at.test(output)) return
    isStopped = true
    during = processesOf(session).length
    process.kill(stop.whom === 'group' ? -session : session, stop.signal)
  }
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  return new Promise((done, fail) => {
    child.on('error', fail)
    child.on('close', status => done({ status, output, session, during, ms: performance.now() - started }))
  })
}

/** Processes of the session; whatever namespace they are in, they are seen from here. */
function processesOf(session: number): readonly string[] {
  return readdirSync('/proc').flatMap(pid => {
    if (!/^\d+$/.test(pid)) return []
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return Number(fields[SESSION]) === session && fields[0] !== 'Z' ? [stat] : []
    } catch (error) {
      if (error instanceof Error && /ENOENT|ESRCH/.test(error.message)) return [] // it ended while we looked
      throw error
    }
  })
}

async function nothingLeft(t: Test, session: number): Promise<void> {
  const end = Date.now() + 2000
  while (processesOf(session).length > 0 && Date.now() < end) await new Promise(done => setTimeout(done, 20))
  t.strictSame(processesOf(session), [], 'no process')
  const places = ['switch', 'outside', 'worker-1', 'worker-2', 'pod-1', 'pod-2', 'pod-3']
  const left = ['/run/demo', ...places.map(place => `/run/netns/${place}`), '/sys/class/net/br0']
  t.strictSame(left.filter(existsSync), [], 'no file, no namespace, no link')
}

/** Both families, so each twice; the last two words are who answered and whom it saw. */
const WAYS = [
  [/worker-1 probes pod-1, IPv[46]: pod-1 sees \S+11$/gm, 2],
  [/pod-1 asks worker-1, IPv[46]: worker-1 sees \S+$/gm, 2],
  [/pod-1 asks ClusterIP \S+, IPv[46]: pod-1 sees \S+11, pod-2 sees \S+11$/gm, 2],
  [/worker-1 asks ClusterIP \S+, IPv[46]: pod-1 sees \S+11, pod-2 sees \S+11$/gm, 2],
  [/outside asks NodePort 30080 of worker-1, IPv[46]: pod-1 sees \S+11, pod-2 sees \S+11$/gm, 2],
  [/outside asks NodePort 30081 of worker-1, policy Local, IPv4: pod-1 sees 198\.51\.100\.10$/gm, 1],
  [/outside asks NodePort 30081 of worker-1, policy Local, IPv6: pod-1 sees 2001:db8:51::10$/gm, 1],
  [/outside asks pod-3 on (eth0|net1), IPv4: pod-3 sees 198\.51\.100\.10$/gm, 2],
  [/outside asks pod-3 on (eth0|net1), IPv6: pod-3 sees 2001:db8:51::10$/gm, 2],
] as const

t.test('make demo passes every step and leaves nothing', async t => {
  const { status, output, ms, session } = await demo()
  t.equal(status, 0, 'it ends well')
  if (status !== 0) t.comment(output)
  t.match(
    output,
    /NAME +VERSION +SUBNET +ALLOCATED-IP-COUNT +TOTAL-IP-COUNT +DEFAULT\s[^]*ippool-test +4 +172\.18\.0\.0\/16 +2 +10 +false\s+ippool-test-v6 +6 +fd18::\/64 +2 +10 +false/,
  )
  t.match(output, /NAME +INTERFACE +IPV4POOL +IPV4 +IPV6POOL +IPV6 +NODE/)
  t.equal(
    output.match(
      /test-app-f9f94688-\w{5} +eth0 +ippool-test +172\.18\.30\.1[34]\d\/16 +ippool-test-v6 +fd18::30:13\w\/64 +worker-[12]/g,
    )?.length,
    2,
    'a row for each pod',
  )
  t.equal(output.match(/pings \S+: answered/g)?.length, 8, 'every ping is answered')
  for (const [way, times] of WAYS) t.equal(output.match(way)?.length, times, way.source)
  t.match(
    output,
    /ippool-test +4 +172\.18\.0\.0\/16 +0 +10 +false[^]*No resources found[^]*nothing is left[^]*Done in/,
    'the pool is empty again',
  )
  t.ok(ms < MS_MAX, `${Math.round(ms)} ms`)
  await nothingLeft(t, session)
})

const STOPS = [
  { name: 'Ctrl-C', signal: 'SIGINT', whom: 'group', status: 130, says: /demo: stopped by SIGINT/ },
  { name: 'a kill of its first process', signal: 'SIGKILL', whom: 'first', status: null, says: /an application/ },
] as const

for (const { name, signal, whom, status, says } of STOPS)
  t.test(`${name} during make demo leaves nothing`, async t => {
    const ended = await demo({ at: /an application/, signal, whom })
    t.equal(ended.status, status)
    t.match(ended.output, says)
    t.notMatch(ended.output, /Done in/)
    t.ok(ended.during > 2, 'its processes are of its session, so the next line looks at the right ones')
    await nothingLeft(t, ended.session)
  })

t.test('make demo prints the first failure with its cause, and leaves nothing', async t => {
  const folder = mkdtempSync(`${os.tmpdir()}/demo-`)
  t.teardown(() => rmSync(folder, { recursive: true }))
  writeFileSync(`${folder}/ping`, '#!/bin/sh\necho "the wire is cut" >&2; exit 1\n', { mode: 0o755 })
  const ended = await demo(undefined, { ...process.env, PATH: `${folder}:${process.env['PATH'] ?? ''}` })
  t.equal(ended.status, 1)
  t.match(ended.output, /demo: step 8 failed: \S.* ping .*: the wire is cut\n$/)
  await nothingLeft(t, ended.session)
})
