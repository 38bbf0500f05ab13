// The shell around every executable: environment and stdin in, one JSON document and a status out, in the order that CNI callers rely on.
import { readSync, writeSync } from 'node:fs'
import { parseArgs } from './args.js'
import { checkEnv, checkNetworkName, type Env } from './env.js'
import { CniError, errorReply, pretty } from './error.js'
import { decodeConf, type Fields } from './json.js'
import { decodePrevResult, encodeResult, type Result } from './result.js'
import { allows } from './versions.js'

export interface Attachment {
  readonly containerID: string
  readonly ifname: string
}

export interface Call<C> {
  readonly command: string
  readonly containerID: string
  readonly netns: string
  readonly ifName: string
  /** CNI_ARGS, parsed. */
  readonly args: ReadonlyMap<string, string>
  readonly env: Env
  /** CNI_PATH, split. */
  readonly path: readonly string[]
  readonly cniVersion: string
  /** The network's name. */
  readonly name: string
  readonly config: C
  /** The whole conf as it came: a delegate gets it unchanged. */
  readonly stdin: string
  readonly prevResult: Result | undefined
  /** GC only: what the runtime says is still attached. */
  readonly validAttachments: readonly Attachment[]
}

type Maybe<T> = T | Promise<T>

export interface Plugin<C> {
  readonly name: string
  /** First line on stderr where no CNI_COMMAND is given. */
  readonly about: string
  readonly versions: readonly string[]
  /** Keys of CNI_ARGS that are understood, besides IgnoreUnknown. */
  readonly argKeys: readonly string[]
  /** The conf, checked; throws CniError. `command` for what only some verbs need. */
  accepts(raw: unknown, command: string): C
  add(call: Call<C>): Maybe<Result>
  check(call: Call<C>): Maybe<void>
  del(call: Call<C>): Maybe<void>
  status?(call: Call<C>): Maybe<void>
  gc?(call: Call<C>): Maybe<void>
}

export interface Edge {
  readonly env: Env
  readonly readStdin: () => string
  /** Is this path the namespace that we ourselves are in? False for what cannot be opened. */
  readonly sameNetns: (path: string) => Maybe<boolean>
}

export interface Outcome {
  readonly exitCode: 0 | 1
  readonly stdout: string
  readonly stderr: string
}

const done = (stdout = '', stderr = ''): Outcome => ({ exitCode: 0, stdout, stderr })

export async function outcomeOf<C>(plugin: Plugin<C>, edge: Edge): Promise<Outcome> {
  const command = edge.env['CNI_COMMAND'] ?? ''
  if (command === '')
    return done('', `${plugin.about}\nCNI protocol versions supported: ${plugin.versions.join(', ')}\n`)
  if (command === 'VERSION')
    return done(`${JSON.stringify({ cniVersion: plugin.versions.at(-1), supportedVersions: plugin.versions })}\n`)
  let cniVersion = ''
  try {
    checkEnv(edge.env)
    const stdin = edge.readStdin()
    const conf = decodeConf(stdin)
    cniVersion = conf.string('cniVersion') || '0.1.0'
    return done(await dispatch(plugin, edge, { command, conf, cniVersion, stdin }))
  } catch (error) {
    return { exitCode: 1, stdout: pretty(errorReply(error, cniVersion)), stderr: stackOf(error) }
  }
}

/** A bug keeps its stack, on stderr; what was meant to be said has none. */
const stackOf = (error: unknown): string =>
  error instanceof CniError || !(error instanceof Error) ? '' : `${error.stack ?? ''}\n`

interface Conf {
  readonly command: string
  readonly conf: Fields
  readonly cniVersion: string
  readonly stdin: string
}

async function dispatch<C>(plugin: Plugin<C>, edge: Edge, { command, conf, cniVersion, stdin }: Conf): Promise<string> {
  checkNetworkName(conf.string('name') ?? '')
  const verb = VERBS[command]
  if (!verb) throw new CniError('invalidEnv', `unknown CNI_COMMAND: ${command}`)
  allows(command, cniVersion, plugin.versions)
  await guardNetns(command, edge)
  const { env } = edge
  const prevResult = conf.object('prevResult')
  const call: Call<C> = {
    command,
    containerID: env['CNI_CONTAINERID'] ?? '',
    netns: env['CNI_NETNS'] ?? '',
    ifName: env['CNI_IFNAME'] ?? '',
    args: parseArgs(env['CNI_ARGS'] ?? '', plugin.argKeys),
    env,
    path: (env['CNI_PATH'] ?? '').split(':').filter(Boolean),
    cniVersion,
    name: conf.string('name') ?? '',
    config: plugin.accepts(conf.raw, command),
    stdin,
    prevResult: prevResult && decodePrevResult(prevResult.raw, cniVersion),
    validAttachments: attachmentsOf(conf),
  }
  return verb(plugin, call)
}

/** Each verb's answer on stdout. */
const VERBS: Readonly<Record<string, <C>(plugin: Plugin<C>, call: Call<C>) => Promise<string>>> = {
  ADD: async (plugin, call) => encodeResult(await plugin.add(call), call.cniVersion),
  DEL: async (plugin, call) => (await plugin.del(call), ''),
  CHECK: async (plugin, call) => {
    if (!call.prevResult) throw new CniError('invalidConfig', 'required prevResult missing')
    await plugin.check(call)
    return ''
  },
  STATUS: async (plugin, call) => (await plugin.status?.(call), ''),
  GC: async (plugin, call) => (await plugin.gc?.(call), ''),
}

/** Before any work: a plugin that runs in the pod's own namespace would take the pod's links for the node's. */
async function guardNetns(command: string, { env, sameNetns }: Edge): Promise<void> {
  const netns = env['CNI_NETNS'] ?? ''
  const override = (env['CNI_NETNS_OVERRIDE'] ?? '').toLowerCase()
  if ((command !== 'ADD' && command !== 'DEL') || netns === '' || override === '1' || override === 'true') return
  if (await sameNetns(netns))
    throw new CniError('invalidNetns', "plugin's netns and netns from CNI_NETNS should not be the same", netns)
}

const attachmentsOf = (conf: Fields): readonly Attachment[] =>
  (conf.objects('cni.dev/valid-attachments') ?? []).map(one => ({
    containerID: one.string('containerID') ?? '',
    ifname: one.string('ifname') ?? '',
  }))

const CONF_BYTES_MAX = 16 * 1024 * 1024

/** fd 0 to its end, in one synchronous loop: process.stdin costs 10 ms of stream machinery. */
function readStdin(): string {
  const parts: Buffer[] = []
  let total = 0
  for (;;) {
    const part = Buffer.alloc(64 * 1024)
    const length = readSome(part)
    if (length === 0) return Buffer.concat(parts).toString('utf8')
    total += length
    if (total > CONF_BYTES_MAX)
      throw new CniError('ioFailure', `error reading from stdin: more than ${CONF_BYTES_MAX} bytes`)
    parts.push(part.subarray(0, length))
  }
}

function readSome(part: Buffer): number {
  for (;;) {
    try {
      return readSync(0, part)
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : ''
      if (code === 'EOF') return 0
      if (code === 'EAGAIN') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
      else
        throw new CniError(
          'ioFailure',
          `error reading from stdin: ${error instanceof Error ? error.message : String(error)}`,
        )
    }
  }
}

function writeAll(fd: number, text: string): void {
  let bytes = Buffer.from(text)
  while (bytes.length > 0) bytes = bytes.subarray(writeSync(fd, bytes))
}

/** The edge: the process's own environment, stdin, stdout and exit status. */
export async function run<C>(plugin: Plugin<C>): Promise<void> {
  const sameNetns = async (path: string): Promise<boolean> => (await import('../kernel/netns.js')).sameNetns(path)
  const { exitCode, stdout, stderr } = await outcomeOf(plugin, { env: process.env, readStdin, sameNetns })
  if (stderr !== '') writeAll(2, stderr)
  if (stdout !== '') writeAll(1, stdout)
  process.exitCode = exitCode
}
