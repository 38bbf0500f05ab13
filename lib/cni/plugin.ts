// The shell around every executable: environment and stdin in, one JSON document and a status out, in the order that CNI callers rely on.
import { readSync, writeSync } from 'node:fs'
import { sameNetns } from '../kernel/netns.js'
import { parseArgs } from './args.js'
import { checkEnv, checkNetworkName, type CniEnv } from './env.js'
import { CniError, errorReply, pretty } from './error.js'
import { decodeConf, type ConfReader } from './json.js'
import { decodePrevResult, encodeDetails, encodeResult, type Result } from './result.js'
import { allows, isVersion } from './versions.js'

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
  readonly env: CniEnv
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
export type PlanFormat = 'table' | 'json'

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
  status?(call: Call<C>): Maybe<string | void> // what an ADD would not fail of, told as `details`
  gc?(call: Call<C>): Maybe<void>
  /** What ADD would do, done not at all: text for people, or JSON. */
  plan?(call: Call<C>, format: PlanFormat): Maybe<string>
}

export interface PluginIo {
  readonly env: CniEnv
  readonly readStdin: () => string
  /** Is this path the namespace that we ourselves are in? False for what cannot be opened. */
  readonly sameNetns: (path: string) => boolean
  /** A dry run of ADD, whatever CNI_COMMAND says. */
  readonly plan?: PlanFormat | undefined
}

export interface PluginOutcome {
  readonly exitCode: 0 | 1
  readonly stdout: string
  readonly stderr: string
}

const done = (stdout = '', stderr = ''): PluginOutcome => ({ exitCode: 0, stdout, stderr })

export async function outcomeOf<C>(plugin: Plugin<C>, edge: PluginIo): Promise<PluginOutcome> {
  const command = edge.plan === undefined ? (edge.env['CNI_COMMAND'] ?? '') : 'ADD'
  if (command === '' && plugin.about !== '')
    return done('', `${plugin.about}\nCNI protocol versions supported: ${plugin.versions.join(', ')}\n`)
  if (command === 'VERSION')
    return done(`${JSON.stringify({ cniVersion: plugin.versions.at(-1), supportedVersions: plugin.versions })}\n`)
  let cniVersion = ''
  try {
    checkEnv(edge.plan === undefined ? edge.env : { CNI_PATH: '/', ...edge.env, CNI_COMMAND: command })
    const stdin = edge.readStdin()
    const conf = decodeConf(stdin)
    cniVersion = versionToReply(conf)
    return done(await dispatch(plugin, edge, { command, conf, stdin }))
  } catch (error) {
    return { exitCode: 1, stdout: pretty(errorReply(error, cniVersion)), stderr: stackOf(error) }
  }
}

/** A bug keeps its stack, on stderr; what was meant to be said has none. */
const stackOf = (error: unknown): string =>
  error instanceof CniError || !(error instanceof Error) ? '' : `${error.stack ?? ''}\n`

const DEFAULT_VERSION = '0.1.0' // CNI spec 0.1.0 knew no cniVersion

/** For the reply only: what is no version is left out of it, and judged after the name and the verb. */
function versionToReply(conf: ConfReader): string {
  const value = conf.value('cniVersion') ?? DEFAULT_VERSION
  if (value === '') return DEFAULT_VERSION
  return typeof value === 'string' && isVersion(value) ? value : ''
}

interface Conf {
  readonly command: string
  readonly conf: ConfReader
  readonly stdin: string
}

async function dispatch<C>(plugin: Plugin<C>, edge: PluginIo, { command, conf, stdin }: Conf): Promise<string> {
  const name = conf.string('name') ?? ''
  checkNetworkName(name)
  const verb = edge.plan === undefined ? VERBS.get(command) : dryRun(edge.plan)
  if (!verb) throw new CniError('invalidEnv', `unknown CNI_COMMAND: ${command}`)
  const cniVersion = conf.string('cniVersion') || DEFAULT_VERSION
  allows(command, cniVersion, plugin.versions)
  const { env } = edge
  const hasContainer = command !== 'GC' && command !== 'STATUS'
  const call: Call<C> = {
    command,
    containerID: env['CNI_CONTAINERID'] ?? '',
    netns: env['CNI_NETNS'] ?? '',
    ifName: env['CNI_IFNAME'] ?? '',
    args: parseArgs(hasContainer ? (env['CNI_ARGS'] ?? '') : '', plugin.argKeys),
    env,
    path: (env['CNI_PATH'] ?? '').split(':').filter(Boolean),
    cniVersion,
    name,
    config: plugin.accepts(conf.raw, command),
    stdin,
    prevResult: prevResultOf(command, conf, cniVersion),
    validAttachments: command === 'GC' ? attachmentsOf(conf) : [],
  }
  return verb(plugin, outsideNode(call, edge))
}

async function checked<C>(plugin: Plugin<C>, call: Call<C>): Promise<string> {
  if (!call.prevResult) throw new CniError('invalidConfig', 'required prevResult missing')
  await plugin.check(call)
  return ''
}

const dryRun =
  (format: PlanFormat): Answer =>
  async (plugin, call) => {
    if (!plugin.plan) throw new CniError('invalidEnv', `${plugin.name} has no plan to show`)
    return plugin.plan(call, format)
  }

type Answer = <C>(plugin: Plugin<C>, call: Call<C>) => Promise<string>

/** Each verb's answer on stdout. A map, for CNI_COMMAND may be any word, also one that every object has. */
const VERBS: ReadonlyMap<string, Answer> = new Map<string, Answer>([
  ['ADD', async (plugin, call) => encodeResult(await plugin.add(call), call.cniVersion)],
  ['DEL', async (plugin, call) => (await plugin.del(call), '')],
  ['CHECK', checked],
  ['STATUS', async (plugin, call) => encodeDetails((await plugin.status?.(call)) ?? '', call.cniVersion)],
  ['GC', async (plugin, call) => (await plugin.gc?.(call), '')],
])

/** DEL goes on without one that cannot be read: what is stuck there stays stuck for good, and with it the pod. */
function prevResultOf(command: string, conf: ConfReader, cniVersion: string): Result | undefined {
  try {
    const fields = conf.object('prevResult')
    return fields && decodePrevResult(fields.raw, cniVersion)
  } catch (error) {
    if (command === 'DEL' && error instanceof CniError) return undefined
    throw error
  }
}

/**
 * Before any work: a plugin that runs in the pod's own namespace would take the pod's links for the
 * node's. For a DEL the pod's namespace is gone where CNI_NETNS names the node's own (its process
 * ended, and its ID may be another's): what is on the node is released. Throws CniError 8 for an
 * ADD.
 */
function outsideNode<C>(call: Call<C>, { sameNetns }: PluginIo): Call<C> {
  const { command, netns, env } = call
  const override = (env['CNI_NETNS_OVERRIDE'] ?? '').toLowerCase()
  if ((command !== 'ADD' && command !== 'DEL') || netns === '' || override === '1' || override === 'true') return call
  if (!sameNetns(netns)) return call
  if (command === 'DEL') return { ...call, netns: '', env: { ...env, CNI_NETNS: '' } }
  throw new CniError('invalidNetns', "plugin's netns and netns from CNI_NETNS should not be the same", netns)
}

/** libcni sends the list under two names, the second for runtimes' older words. Half an attachment would make a living one look gone. */
const attachmentsOf = (conf: ConfReader): readonly Attachment[] =>
  (conf.objects('cni.dev/valid-attachments') ?? conf.objects('cni.dev/attachments') ?? []).map(one => {
    const [containerID = '', ifname = ''] = [one.string('containerID'), one.string('ifname')]
    if (containerID !== '' && ifname !== '') return { containerID, ifname }
    throw new CniError(
      'invalidConfig',
      `${one.where}containerID and ifname must both be given, to tell what is attached`,
    )
  })

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
      if (codeOf(error) === 'EOF') return 0
      if (!isAgain(error)) throw new CniError('ioFailure', `error reading from stdin: ${messageOf(error)}`)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    }
  }
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : '')
/** The other side of a pipe that does not block is slow, or a signal came. */
const isAgain = (error: unknown): boolean => codeOf(error) === 'EAGAIN' || codeOf(error) === 'EINTR'
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** '' or why not all of it could be written. */
function writeAll(fd: number, text: string): string {
  let bytes = Buffer.from(text)
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(fd, bytes))
    } catch (error) {
      if (!isAgain(error)) return messageOf(error)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    }
  }
  return ''
}

const PLAN_FORMATS: Readonly<Record<string, PlanFormat>> = { '--plan': 'table', '--plan=json': 'json' }

/** A dry run in a format that there is none of must not become a call that changes something. */
async function outcomeFor<C>(plugin: Plugin<C>, argv: readonly string[]): Promise<PluginOutcome> {
  const asked = argv.find(arg => arg.startsWith('--plan'))
  const plan = asked === undefined ? undefined : PLAN_FORMATS[asked]
  if (asked === undefined || plan !== undefined)
    return outcomeOf(plugin, { env: process.env, readStdin, sameNetns, plan })
  const sentence = `unknown argument ${asked}: a plan is shown as text with --plan, as JSON with --plan=json`
  return { exitCode: 1, stdout: pretty(errorReply(new CniError('invalidEnv', sentence), '')), stderr: '' }
}

/** The edge: the process's own environment, stdin, stdout and exit status. */
export async function run<C>(plugin: Plugin<C>, argv: readonly string[] = []): Promise<void> {
  const { exitCode, stdout, stderr } = await outcomeFor(plugin, argv)
  const failed = writeAll(1, stdout) // first: a closed stderr must not cost the runtime its answer
  writeAll(2, failed === '' ? stderr : `${stderr}error writing to stdout: ${failed}\n`)
  process.exitCode = failed === '' ? exitCode : 1
}
