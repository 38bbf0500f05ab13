// The main loop of every CNI executable: environment and stdin in, one JSON document and an exit
// status out, checked in the order that runtimes rely on.
import { readSync, writeSync } from 'node:fs'
import { codeOf, messageOf } from '../errors.js'
import { sameNetns } from '../kernel/same-netns.js'
import { parseArgs } from './args.js'
import { checkEnv, checkNetworkName, type CniEnv } from './env.js'
import { CniError, errorReply, pretty } from './error.js'
import type { CallHost } from './host.js'
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
  /** The conf as received, for delegates. */
  readonly stdin: string
  readonly prevResult: Result | undefined
  /** GC only: `cni.dev/valid-attachments`. */
  readonly validAttachments: readonly Attachment[]
  /** The node agent where it runs the call; undefined in an executable. */
  readonly host?: CallHost | undefined
}

type Maybe<T> = T | Promise<T>
export type PlanFormat = 'table' | 'json'

export interface Plugin<C> {
  readonly name: string
  /** First line on stderr if CNI_COMMAND is not set. */
  readonly about: string
  readonly versions: readonly string[]
  /** Known keys of CNI_ARGS, besides IgnoreUnknown. */
  readonly argKeys: readonly string[]
  /** The validated conf; `command` for requirements of some verbs only. @throws CniError */
  accepts(raw: unknown, command: string): C
  add(call: Call<C>): Maybe<Result>
  check(call: Call<C>): Maybe<void>
  del(call: Call<C>): Maybe<void>
  status?(call: Call<C>): Maybe<string | void> // a warning, returned as `details`
  gc?(call: Call<C>): Maybe<void>
  /** The plan of an ADD, not applied: a table, or JSON. */
  plan?(call: Call<C>, format: PlanFormat): Maybe<string>
}

export interface PluginIo {
  readonly env: CniEnv
  readonly readStdin: () => string
  /** True if the path is this process's network namespace; false if it cannot be opened. */
  readonly sameNetns: (path: string) => boolean
  /** A dry run of ADD, whatever CNI_COMMAND says. */
  readonly plan?: PlanFormat | undefined
  readonly host?: CallHost | undefined
}

export interface PluginOutcome {
  readonly exitCode: 0 | 1
  readonly stdout: string
  readonly stderr: string
}

const done = (stdout = '', stderr = ''): PluginOutcome => ({ exitCode: 0, stdout, stderr })

/**
 * Executes one call without touching the process: what to print and the exit status. Never throws.
 */
export async function outcomeOf<C>(plugin: Plugin<C>, io: PluginIo): Promise<PluginOutcome> {
  const command = io.plan === undefined ? (io.env['CNI_COMMAND'] ?? '') : 'ADD'
  if (command === '' && plugin.about !== '')
    return done('', `${plugin.about}\nCNI protocol versions supported: ${plugin.versions.join(', ')}\n`)
  if (command === 'VERSION')
    return done(`${JSON.stringify({ cniVersion: plugin.versions.at(-1), supportedVersions: plugin.versions })}\n`)
  let cniVersion = ''
  try {
    checkEnv(io.plan === undefined ? io.env : { CNI_PATH: '/', ...io.env, CNI_COMMAND: command })
    const stdin = io.readStdin()
    const conf = decodeConf(stdin)
    cniVersion = versionToReply(conf)
    return done(await dispatch(plugin, io, { command, conf, stdin }))
  } catch (error) {
    return { exitCode: 1, stdout: pretty(errorReply(error, cniVersion)), stderr: stackOf(error) }
  }
}

/** The stack of an unexpected error, for stderr; '' for a CniError. */
const stackOf = (error: unknown): string =>
  error instanceof CniError || !(error instanceof Error) ? '' : `${error.stack ?? ''}\n`

const DEFAULT_VERSION = '0.1.0' // CNI spec 0.1.0 had no cniVersion

/** For the reply only: an invalid version is omitted, and rejected after the name and the verb. */
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

async function dispatch<C>(plugin: Plugin<C>, io: PluginIo, { command, conf, stdin }: Conf): Promise<string> {
  const name = conf.string('name') ?? ''
  checkNetworkName(name)
  const verb = io.plan === undefined ? VERBS.get(command) : dryRun(io.plan)
  if (!verb) throw new CniError('invalidEnv', `unknown CNI_COMMAND: ${command}`)
  const cniVersion = conf.string('cniVersion') || DEFAULT_VERSION
  allows(command, cniVersion, plugin.versions)
  const { env } = io
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
    ...(io.host && { host: io.host }),
  }
  return verb(plugin, outsideNode(call, io))
}

async function checked<C>(plugin: Plugin<C>, call: Call<C>): Promise<string> {
  if (!call.prevResult) throw new CniError('invalidConfig', 'required prevResult missing')
  await plugin.check(call)
  return ''
}

const dryRun =
  (format: PlanFormat): VerbHandler =>
  async (plugin, call) => {
    if (!plugin.plan) throw new CniError('invalidEnv', `${plugin.name} has no plan to show`)
    return plugin.plan(call, format)
  }

type VerbHandler = <C>(plugin: Plugin<C>, call: Call<C>) => Promise<string>

/**
 * Stdout of each verb. A Map, since CNI_COMMAND may be the name of an Object.prototype property.
 */
const VERBS: ReadonlyMap<string, VerbHandler> = new Map<string, VerbHandler>([
  ['ADD', async (plugin, call) => encodeResult(await plugin.add(call), call.cniVersion)],
  ['DEL', async (plugin, call) => (await plugin.del(call), '')],
  ['CHECK', checked],
  ['STATUS', async (plugin, call) => encodeDetails((await plugin.status?.(call)) ?? '', call.cniVersion)],
  ['GC', async (plugin, call) => (await plugin.gc?.(call), '')],
])

/** DEL ignores an invalid prevResult: otherwise the pod could never be deleted. */
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
 * Checked before any work: a plugin that runs in the pod's namespace would take the pod's links for
 * the node's. A DEL whose CNI_NETNS is the node's own namespace means that the pod's is gone (its
 * process ended and the PID was reused): only node state is released.
 * @throws CniError 8 for an ADD
 */
function outsideNode<C>(call: Call<C>, { sameNetns }: PluginIo): Call<C> {
  const { command, netns, env } = call
  const override = (env['CNI_NETNS_OVERRIDE'] ?? '').toLowerCase()
  if ((command !== 'ADD' && command !== 'DEL') || netns === '' || override === '1' || override === 'true') return call
  if (!sameNetns(netns)) return call
  if (command === 'DEL') return { ...call, netns: '', env: { ...env, CNI_NETNS: '' } }
  throw new CniError('invalidNetns', "plugin's netns and netns from CNI_NETNS should not be the same", netns)
}

/**
 * libcni sends the list under two keys, the second for older plugins.
 * @throws CniError for a partial entry, which would make a live attachment look stale
 */
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
/** At first; most confs are shorter. */
const STDIN_BYTES = 8 * 1024

/** Reads stdin at the first call; later ones return or throw the same. */
function readOnce(): () => string {
  let first: (() => string) | undefined
  return () => {
    first ??= (() => {
      try {
        const text = readStdin()
        return () => text
      } catch (error) {
        return () => {
          throw error
        }
      }
    })()
    return first()
  }
}

/** fd 0 to its end, in one synchronous loop: process.stdin costs 10 ms of stream machinery. */
function readStdin(): string {
  let bytes = Buffer.alloc(STDIN_BYTES)
  let total = 0
  for (;;) {
    const length = readSome(bytes.subarray(total))
    if (length === 0) return bytes.toString('utf8', 0, total)
    total += length
    if (total > CONF_BYTES_MAX)
      throw new CniError('ioFailure', `error reading from stdin: more than ${CONF_BYTES_MAX} bytes`)
    if (total === bytes.length) bytes = Buffer.concat([bytes, Buffer.alloc(total)])
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

/** A non-blocking pipe is full or empty, or a signal arrived. */
const isAgain = (error: unknown): boolean => codeOf(error) === 'EAGAIN' || codeOf(error) === 'EINTR'

/** Writes all of `text`; returns '' or the reason for a failure. */
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

/** Executes one call: `outcomeOf()` with a plugin, or what hands it over to the node agent. */
export type Execute = (io: PluginIo) => Promise<PluginOutcome>

/** An unknown plan format must fail rather than run the verb. */
async function outcomeFor(execute: Execute, argv: readonly string[]): Promise<PluginOutcome> {
  const planArg = argv.find(arg => arg.startsWith('--plan'))
  const plan = planArg === undefined ? undefined : PLAN_FORMATS[planArg]
  if (planArg === undefined || plan !== undefined)
    return execute({ env: process.env, readStdin: readOnce(), sameNetns, plan })
  const sentence = `unknown argument ${planArg}: a plan is shown as text with --plan, as JSON with --plan=json`
  return { exitCode: 1, stdout: pretty(errorReply(new CniError('invalidEnv', sentence), '')), stderr: '' }
}

/** Runs a plugin on this process's environment, stdin, stdout and exit status. */
export async function run(execute: Execute, argv: readonly string[] = []): Promise<void> {
  const { exitCode, stdout, stderr } = await outcomeFor(execute, argv)
  const failed = writeAll(1, stdout) // before stderr, which may be closed
  writeAll(2, failed === '' ? stderr : `${stderr}error writing to stdout: ${failed}\n`)
  process.exitCode = failed === '' ? exitCode : 1
}
