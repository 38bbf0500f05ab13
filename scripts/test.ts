// `make test`: lint, build, unit tests, tests on a real kernel. `--unit`: without root and
// executables; `--kube`: only tests with an API server. Ends with one line, `N passed, N failed, N
// skipped`.
import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { ROOT } from './source-tree.js'
import { TapReader, type Failure, type Report, type Skip } from './tap-report.js'

const BIN = `${ROOT}node_modules/.bin/`
const OF_KUBE = process.argv.includes('--kube')
const TOTAL_MS_MAX = (OF_KUBE ? 40 : 14.5) * 60_000
const FILE_S_MAX = 300
/** The tests before are swept out of an API server that is named; so one test at a time has it. */
const JOBS = (process.env['SPIDERPOOL_TEST_KUBECONFIG'] ?? '') === '' ? 3 : 1
const STARTED = Date.now()

/** What a test named `*.vm.test.ts` needs of the kernel. */
const KINDS = ['bond', 'vlan', 'dummy', 'ipvlan', 'vrf']
const NO_MACHINE = 125 // scripts/vmrun.sh
/**
 * Downloads that tests name, fetched before they run without a network. A test skips if one is
 * missing.
 */
const FETCHED = ['scripts/networkmanager.sh']

const total: Report = { passed: 0, failed: [], skipped: [] }
let running: ChildProcess | undefined

const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, TAP_RCFILE: `${ROOT}.taprc` }

/** A step that is one program: it counts as one test. */
function step(name: string, script: string): void {
  const { status } = spawnSync(`${BIN}tsx`, [script], { cwd: ROOT, stdio: 'inherit', env })
  if (status === 0) total.passed++
  else total.failed.push({ test: name, lines: [`${script} ended with status ${status}; its words are above`] })
}

function testFiles(): readonly string[] {
  return readdirSync(`${ROOT}test`, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.test.ts'))
    .map(name => `test/${name}`)
    .sort()
}

/** Those that take the API server that is named, and do not always start one of their own. */
const asksApiserver = (file: string): boolean =>
  /(?<!\.)\b(startApiserver\((?!\{ standalone: true)|openIpam\()/.test(readFileSync(`${ROOT}${file}`, 'utf8'))

/** Runs the files in tap and adds what came of it to `total`. */
async function suite(name: string, files: readonly string[]): Promise<void> {
  console.log(`${name}: ${files.length} files`)
  if (files.length === 0) return void total.failed.push({ test: name, lines: ['there is not one file of such tests'] })
  const reader = new TapReader((file, ok, tests) => console.log(`${ok ? 'ok    ' : 'NOT OK'} ${file} (${tests})`))
  const args = ['run', '--reporter=tap', `--jobs=${JOBS}`, `--timeout=${FILE_S_MAX}`, ...files]
  const child = spawn(`${BIN}tap`, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  running = child
  const left = TOTAL_MS_MAX - (Date.now() - STARTED)
  let late = false
  const clock = setTimeout(() => {
    late = true
    stop('SIGTERM')
    setTimeout(() => stop('SIGKILL'), 5000).unref()
  }, left)
  const ended = new Promise<number | null>(done => child.on('close', done))
  for await (const text of createInterface({ input: child.stdout })) reader.line(text)
  const status = await ended
  const { report } = reader
  clearTimeout(clock)
  running = undefined
  total.passed += report.passed
  total.failed.push(...report.failed)
  total.skipped.push(...report.skipped)
  if (late) total.failed.push({ test: name, lines: [`not done within ${TOTAL_MS_MAX / 60_000} minutes of the start`] })
  else if (status !== 0 && report.failed.length === 0)
    total.failed.push({ test: name, lines: [`tap ended with status ${status}`] })
}

/** The link kinds that this kernel lacks, tried in a namespace of its own. */
function lackingKinds(): readonly string[] {
  const on: Readonly<Record<string, string>> = { vlan: 'link v0', ipvlan: 'link v0' }
  const more: Readonly<Record<string, string>> = { vlan: 'id 5', vrf: 'table 5' }
  const has = (kind: string): boolean => {
    const make = `ip link add ${on[kind] ?? ''} name k0 type ${kind} ${more[kind] ?? ''}`
    const script = `ip link add v0 type veth peer name v1 && ${make}`
    return spawnSync('unshare', ['--net', 'sh', '-c', script], { env, stdio: 'ignore' }).status === 0
  }
  return KINDS.filter(kind => !has(kind))
}

interface Ran {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

function machineRuns(command: readonly string[]): Promise<Ran> {
  const timeout = Math.max(1, TOTAL_MS_MAX - (Date.now() - STARTED))
  return new Promise(resolve => {
    const options = { cwd: ROOT, env, maxBuffer: 1 << 26, timeout }
    execFile('scripts/vmrun.sh', command, options, (error, stdout, stderr) => {
      const late = error?.killed === true ? `\nnot done within ${TOTAL_MS_MAX / 60_000} minutes of the start` : ''
      const status = error === null ? 0 : typeof error.code === 'number' ? error.code : 1
      resolve({ status, stdout, stderr: stderr + late })
    })
  })
}

/**
 * Tests of link kinds that this kernel lacks, in a virtual machine that has them: one start per
 * file.
 */
async function inMachine(files: readonly string[], lacking: readonly string[]): Promise<void> {
  console.log(
    `this kernel has no ${lacking.join(', ')}: ${files.length} files run in a virtual machine (scripts/vmrun.sh)`,
  )
  for (const file of files) {
    const text = readFileSync(`${ROOT}${file}`, 'utf8')
    for (const script of FETCHED.filter(name => text.includes(name))) spawnSync(script, ['--fetch'], { cwd: ROOT, env })
    const command = ['env', `TAP_TIMEOUT=${FILE_S_MAX}`, process.execPath, '--import=tsx', file]
    const ran = await machineRuns(command)
    if (ran.status === NO_MACHINE) {
      const reason = `no virtual machine can be had for ${lacking.join(', ')}: ${ran.stderr.trim().split('\n').at(-1) ?? ''}`
      total.skipped.push({ test: file, reason })
      continue
    }
    const reader = new TapReader((name, ok, tests) => console.log(`${ok ? 'ok    ' : 'NOT OK'} ${name} (${tests})`))
    const inner = ran.stdout.split('\n').map(text => (text === '' ? text : `    ${text}`))
    for (const text of [`# Subtest: ${file}`, ...inner, `${ran.status === 0 ? 'ok' : 'not ok'} 1 - ${file}`])
      reader.line(text)
    const { passed, failed, skipped } = reader.report
    total.passed += passed
    total.failed.push(...failed)
    total.skipped.push(...skipped)
    if (ran.status !== 0 && failed.length === 0)
      total.failed.push({
        test: file,
        lines: [`ended with status ${ran.status}`, ...ran.stderr.split('\n').slice(-20)],
      })
  }
}

/** The whole group: tap and the test files that it started. */
function stop(signal: NodeJS.Signals): void {
  if (running?.pid === undefined || running.exitCode !== null) return
  process.kill(-running.pid, signal)
}

function allowedSkips(): readonly RegExp[] {
  return readFileSync(`${ROOT}test/skips.txt`, 'utf8')
    .split('\n')
    .filter(text => text.trim() !== '' && !text.startsWith('#'))
    .map(text => new RegExp(text.trim()))
}

function printFailure({ test, lines }: Failure): void {
  console.log(`\nFAILED ${test}`)
  for (const text of lines) console.log(`  ${text}`)
}

function verdict(): void {
  const allowed = allowedSkips()
  const isAllowed = ({ reason }: Skip): boolean => allowed.some(pattern => pattern.test(reason))
  for (const skip of total.skipped) console.log(`skipped ${skip.test}: ${skip.reason}`)
  for (const { test, reason } of total.skipped.filter(skip => !isAllowed(skip)))
    total.failed.push({ test, lines: [`skipped, and test/skips.txt does not allow it: ${reason}`] })
  if (total.passed === 0) total.failed.push({ test: 'all', lines: ['not one test ran'] })
  total.failed.forEach(printFailure)
  console.log(`\n${Math.round((Date.now() - STARTED) / 1000)} s`)
  console.log(`${total.passed} passed, ${total.failed.length} failed, ${total.skipped.length} skipped`)
  if (total.failed.length > 0) process.exitCode = 1
}

async function main(): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      stop('SIGTERM')
      total.failed.push({ test: 'all', lines: [`stopped by ${signal}`] })
    })
  const files = testFiles()
  const needsKinds = (file: string): boolean => file.endsWith('.vm.test.ts')
  const onKernel = (file: string): boolean => file.endsWith('.e2e.test.ts')
  const unitOnly = process.argv.includes('--unit')
  if (OF_KUBE) {
    await suite('tests that ask an API server', files.filter(asksApiserver))
    return verdict()
  }
  if (!unitOnly) step('lint', 'scripts/lint.ts')
  await suite(
    'unit tests',
    files.filter(file => !onKernel(file) && !needsKinds(file)),
  )
  if (!unitOnly) {
    if (process.getuid?.() !== 0) total.skipped.push({ test: 'tests on a real kernel', reason: 'not root' })
    else {
      step('build', 'scripts/build-if-stale.ts')
      const lacking = lackingKinds()
      const here = (file: string): boolean => onKernel(file) || (needsKinds(file) && lacking.length === 0)
      // The machine uses one processor: in parallel with the others it costs no extra time.
      const machine = lacking.length > 0 ? inMachine(files.filter(needsKinds), lacking) : undefined
      await Promise.all([suite('tests on a real kernel', files.filter(here)), machine])
    }
  }
  verdict()
}

await main()
