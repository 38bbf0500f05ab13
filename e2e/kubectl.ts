// The cluster for its administrator: kubectl, a shell on a node or outside, answers of pods.
import { execFile, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../lib/errors.js'

const COMMAND_MS_MAX = 180_000
const CONTAINERD_S_MAX = 60
const OUTPUT_MAX = 64 * 1024 * 1024

const folder = (): string => {
  const at = process.env['K8S_FOLDER']
  if (at === undefined) throw new Error('there is no cluster; run: make e2e')
  return at
}

export const NODES: readonly string[] = (process.env['K8S_NODES'] ?? '').split(' ').filter(name => name !== '')

export interface Ran {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs to the end; `input` goes to stdin. A time limit is a status like any other. */
export function run(command: readonly string[], input = ''): Promise<Ran> {
  const [file = '', ...args] = command
  return new Promise(resolve => {
    const options = { timeout: COMMAND_MS_MAX, killSignal: 'SIGKILL', maxBuffer: OUTPUT_MAX } as const
    const child = execFile(file, args, options, (error, stdout, stderr) => {
      const status = error === null ? 0 : typeof error.code === 'number' ? error.code : 1
      resolve({ status, stdout, stderr: stderr === '' && error !== null ? error.message : stderr })
    })
    child.stdin?.on('error', () => undefined) // it ended before it read: its status says why
    child.stdin?.end(input)
  })
}

/** stdout, or an error with what the command wrote. */
export async function must(command: readonly string[], input = ''): Promise<string> {
  const { status, stdout, stderr } = await run(command, input)
  if (status !== 0) throw new Error(`${command.join(' ')}: ${(stderr || stdout).trim()}`)
  return stdout
}

export const kubectl = (args: string, input = ''): Promise<string> =>
  must(['kubectl', ...args.split(' ').filter(word => word !== '')], input)

/** Applies objects as a user does: a file of manifests. */
export const apply = (...objects: readonly object[]): Promise<string> =>
  kubectl('apply -f -', JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }))

export interface Obj {
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly uid: string
    readonly deletionTimestamp?: string
    readonly labels?: Readonly<Record<string, string>>
  }
  readonly spec: Readonly<Record<string, unknown>>
  readonly status?: Readonly<Record<string, unknown>>
}

export interface Pod extends Obj {
  readonly spec: { readonly nodeName?: string; readonly hostNetwork?: boolean }
  readonly status: {
    readonly phase?: string
    readonly podIP?: string
    readonly conditions?: readonly { readonly type: string; readonly status: string }[]
  }
}

export async function list<T extends Obj = Obj>(what: string): Promise<readonly T[]> {
  const { items } = JSON.parse(await kubectl(`get ${what} -o json`)) as { items: readonly T[] }
  return items
}

export const isReady = (pod: Pod): boolean =>
  pod.metadata.deletionTimestamp === undefined &&
  (pod.status.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True')

/** Argv that runs in a node's network, mounts and hostname. */
export function onNode(node: string, ...command: readonly string[]): readonly string[] {
  const pid = readFileSync(join(folder(), node, 'pid'), 'utf8').trim()
  return ['nsenter', '--target', pid, '--mount', '--net', '--uts', '--', ...command]
}

export const outside = (...command: readonly string[]): readonly string[] => [
  'ip',
  'netns',
  'exec',
  'outside',
  ...command,
]

export const inPod = (pod: string, ...command: readonly string[]): readonly string[] => [
  'kubectl',
  'exec',
  pod,
  '--',
  ...command,
]

/** `work` until it returns; its last error when `seconds` are over. */
export async function within<T>(seconds: number, what: string, work: () => Promise<T>): Promise<T> {
  const end = performance.now() + seconds * 1000
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (performance.now() > end) throw new Error(`${what}: not within ${seconds} s: ${messageOf(error)}`)
      await sleep(300)
    }
  }
}

const daemonScript = join(import.meta.dirname, '../scripts/k8s/daemon.sh')

/** SIGKILL to a process of the control plane (`kube-apiserver`) or of a node (`node1/kubelet`). */
export const kill = (name: string): Promise<string> => must([daemonScript, name, 'stop'])

/** Starts a daemon again. Waits for containerd to answer: a kubelet that starts earlier exits. */
export async function start(name: string): Promise<void> {
  const [node, daemon] = name.split('/')
  const command = daemon === undefined || node === undefined ? [daemonScript, name] : onNode(node, daemonScript, name)
  const [file = '', ...args] = command
  await new Promise<void>((resolve, reject) => {
    const child = spawn(file, args, { stdio: 'ignore' })
    child.once('error', reject)
    child.once('exit', status => (status === 0 ? resolve() : reject(new Error(`${name} did not start`))))
  })
  if (daemon === 'containerd' && node !== undefined)
    await within(CONTAINERD_S_MAX, `${name} answers`, () => must(onNode(node, 'ctr', 'version')))
}
