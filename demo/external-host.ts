// Programs run to their end, and daemons, in mounts of our own. Knows Linux; knows no Kubernetes.
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, openSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const BIN = fileURLToPath(new URL('../dist/bin', import.meta.url))
/** On a tmpfs of this mount namespace. */
export const HOME = '/run/demo'
export const KUBECONFIG = `${HOME}/kubeconfig`

const PROGRAM_MS_MAX = 20_000

export interface Ran {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a program to its end, with the given environment and PATH. Does not throw for its exit
 * status.
 */
export function run(
  file: string,
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly stdin?: string } = {},
): Promise<Ran> {
  return new Promise((done, fail) => {
    const env = { PATH: process.env['PATH'] ?? '', HOME, ...options.env }
    const child = execFile(file, args, { env, timeout: PROGRAM_MS_MAX }, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number') fail(new Error(`${file} ${args.join(' ')}: ${error.message}`))
      else done({ status: typeof error?.code === 'number' ? error.code : 0, stdout, stderr })
    })
    child.stdin?.on('error', () => undefined) // a program may end without reading what it was given
    child.stdin?.end(options.stdin ?? '')
  })
}

/** The same, where only success will do. */
export async function must(command: string): Promise<string> {
  const [file = '', ...args] = command.split(' ')
  const { status, stdout, stderr } = await run(file, args)
  if (status !== 0) throw new Error(`${command}: ${(stderr || stdout).trim()}`)
  return stdout
}

export const inside = (netnsName: string): string => `nsenter --net=/run/netns/${netnsName}`

/** A private /run and /var/log: namespaces and logs do not touch the machine's own. */
export async function ownMounts(): Promise<void> {
  await must('mount -t tmpfs tmpfs /run')
  await must('mount -t tmpfs tmpfs /var/log')
  await must('mount -t sysfs sysfs /sys')
  mkdirSync(HOME, { recursive: true, mode: 0o700 })
}

/** Starts a daemon of dist/bin; its words go to a file, shown if it ends too early. */
export function daemon(
  name: string,
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
): ChildProcess {
  const log = openSync(`${HOME}/${name}.out`, 'a')
  const env = { PATH: process.env['PATH'] ?? '', HOME, ...more }
  return spawn(`${BIN}/${name}`, args, { env, stdio: ['ignore', log, log] })
}

export const wordsOf = (name: string): string => readFileSync(`${HOME}/${name}.out`, 'utf8').trim()

/** Asks until the answer is not undefined. */
export async function until<T>(
  what: string,
  secondsMax: number,
  ask: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const end = Date.now() + secondsMax * 1000
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (Date.now() > end) throw new Error(`${what}: not within ${secondsMax} s`)
    await new Promise(done => setTimeout(done, 25))
  }
}

export async function stopped(child: ChildProcess): Promise<number | null> {
  const ended = new Promise<number | null>(done => child.once('exit', done))
  if (child.exitCode !== null) return child.exitCode
  child.kill('SIGTERM')
  return ended
}
