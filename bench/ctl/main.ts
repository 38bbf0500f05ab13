// `make bench-ctl`: each command of spiderpoolctl on 10,000 pods in 200 pools. Prints a table, and
// writes dist/bench/ctl.json.
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startApiserver } from '../../test/fixtures/apiserver.js'
import { BIN } from '../../test/fixtures/executable.js'
import { startFaulty } from '../../test/fixtures/faulty-apiserver.js'
import { restOf } from '../../test/fixtures/rest.js'
import { MEASURED, type CtlRow, type MeasuredCommand } from './commands.js'
import { seed } from './seed.js'

const POOLS = Number(process.env['POOLS'] ?? 200)
const PODS = Number(process.env['PODS'] ?? 10_000)
const RUNS = Number(process.env['RUNS'] ?? 5)
const RSS_MB_MAX = 200
const POLL_MS = 5
const OUT = fileURLToPath(new URL('../../dist/bench/ctl.json', import.meta.url))

interface Run {
  readonly status: number | null
  readonly ms: number
  readonly rssMb: number
  readonly stderr: string
}

/** The highest resident set of the process so far, in MB; 0 after its end. */
function peakOf(pid: number | undefined): number {
  try {
    const text = readFileSync(`/proc/${pid ?? 0}/status`, 'utf8')
    return Number(/VmHWM:\s+(\d+) kB/.exec(text)?.[1] ?? 0) / 1024
  } catch {
    return 0 // it has ended
  }
}

function execute(args: readonly string[], kubeconfig: string): Promise<Run> {
  return new Promise((resolve, reject) => {
    const begin = performance.now()
    const env = { PATH: process.env['PATH'], KUBECONFIG: kubeconfig }
    const child = spawn(`${BIN}/spiderpoolctl`, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    let [rssMb, stderr] = [0, '']
    child.stdout.resume()
    child.stderr.on('data', data => (stderr += String(data)))
    const clock = setInterval(() => (rssMb = Math.max(rssMb, peakOf(child.pid))), POLL_MS)
    child.once('error', reject)
    child.once('close', status => {
      clearInterval(clock)
      resolve({ status, ms: performance.now() - begin, rssMb, stderr })
    })
  })
}

/**
 * Seconds until a write is answered: the standalone server collects garbage as it starts, and
 * `doctor` asks for a dry run.
 */
async function settled(kubeconfig: string): Promise<number> {
  const began = performance.now()
  const rest = restOf(kubeconfig)
  const metadata = { name: 'settled' }
  await rest.ask('POST', '/api/v1/namespaces?dryRun=All', { body: { apiVersion: 'v1', kind: 'Namespace', metadata } })
  rest.close()
  return Math.round((performance.now() - began) / 100) / 10
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

const server = await startApiserver({ standalone: process.env['SPIDERPOOL_TEST_KUBECONFIG'] === undefined })
const names = await seed(server, { pools: POOLS, pods: PODS })
console.log(`the server, restarted with these objects, answers a write after ${await settled(server.kubeconfig)} s`)
const proxy = await startFaulty(server.kubeconfig)
const folder = mkdtempSync(join(tmpdir(), 'spiderpool-bench-'))
const rows: CtlRow[] = []
const only = process.env['ONLY']?.split(',')
for (const command of MEASURED) if (only?.includes(command.path) ?? true) rows.push(await measured(command))
await proxy.stop()
await server.stop()
rmSync(folder, { recursive: true })

async function measured({ path, args, msMax }: MeasuredCommand): Promise<CtlRow> {
  const line =
    `${path} ${args.replace('POD', names.pod).replace('ADDRESS', names.address).replace('POOL', names.pool)}`.trim()
  let file = 0
  const words = (): readonly string[] =>
    line.split(' ').map(word => (word === 'FILE' ? join(folder, `${path}-${file++}`) : word))
  const before = proxy.passed.length
  await execute(words(), proxy.kubeconfig)
  const asked = proxy.passed.slice(before).map(({ method, path: url }) => ({ method, url }))
  const lists: Record<string, number> = {}
  for (const { method, url } of asked) {
    const { pathname, searchParams } = new URL(url, 'http://x')
    const plural = pathname.split('/').at(-1) ?? ''
    if (method === 'GET' && searchParams.has('limit') && !searchParams.has('continue'))
      lists[plural] = (lists[plural] ?? 0) + 1
  }
  const runs: Run[] = []
  for (let run = 0; run < RUNS; run++) runs.push(await execute(words(), server.kubeconfig))
  const failed = runs.find(({ status }) => status !== 0 && status !== 1)
  if (failed) throw new Error(`spiderpoolctl ${line}: status ${failed.status}: ${failed.stderr}`)
  const [ms, rssMb] = [Math.round(median(runs.map(run => run.ms))), Math.round(Math.max(...runs.map(run => run.rssMb)))]
  const isWithin = ms <= msMax && rssMb <= RSS_MB_MAX && Object.values(lists).every(count => count === 1)
  console.log(`${isWithin ? 'ok  ' : 'OVER'} ${line}: ${ms} ms (${msMax}), ${rssMb} MB, ${asked.length} requests`)
  return { command: `${path} ${args}`.trim(), ms, msMax, rssMb, requests: asked.length, lists, isWithin }
}

mkdirSync(new URL('.', `file://${OUT}`), { recursive: true })
const where =
  process.env['SPIDERPOOL_TEST_KUBECONFIG'] === undefined
    ? 'standalone server'
    : 'API server of SPIDERPOOL_TEST_KUBECONFIG'
writeFileSync(OUT, `${JSON.stringify({ pools: POOLS, pods: PODS, where, rows }, null, 2)}\n`)
process.exitCode = rows.every(({ isWithin }) => isWithin) ? 0 : 1
