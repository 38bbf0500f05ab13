// A whole call of coordinator, macvlan-wrapper or ifacer in the agent: bounds, order, refusals.
import type { CniCallReply, FullImageReply } from '../../../lib/agent/protocol.js'
import { CniError, errorReply, pretty } from '../../../lib/cni/error.js'
import type { PluginOutcome } from '../../../lib/cni/plugin.js'
import type { WorkerCall } from '../workers/messages.js'
import { whyFullImage, type FullImageDeps } from './left-to-executable.js'
import { logCall, passedOf, type CallDeps, type CallRequest } from './run.js'
import type { Serializer } from './serialize.js'

export const WHOLE_PLUGINS: readonly string[] = ['coordinator', 'macvlan-wrapper', 'ifacer']

/** Calls of whole plugins that run; a further one waits. A call has some ten descriptors. */
export const RUNNING_MAX = 64
/** Calls that wait for others or for those of their container; a further one is refused. */
export const WAITING_MAX = 512

export interface WholeDeps extends Pick<CallDeps, 'env' | 'log' | 'now' | 'onCall'> {
  /** Why no call of a whole plugin is run here, as a predicate of the agent. */
  readonly off: string | undefined
  readonly run: (call: WorkerCall) => Promise<PluginOutcome>
  readonly full: FullImageDeps
  /** Not that of the IPAM, whose call is part of one of macvlan-wrapper. */
  readonly serializer: Serializer
  readonly gate: Gate
  readonly sysctls: string
}

/** Lets RUNNING_MAX pass, in the order in which they came. */
export class Gate {
  readonly #queue: (() => void)[] = []
  #running = 0
  #accepted = 0

  /** Calls that run or wait. */
  get size(): number {
    return this.#accepted
  }

  /** Runs `work`; undefined where too many wait. */
  async through<T>(work: (pass: <R>(inner: () => Promise<R>) => Promise<R>) => Promise<T>): Promise<T | undefined> {
    if (this.#accepted >= RUNNING_MAX + WAITING_MAX) return undefined
    this.#accepted++
    try {
      return await work(inner => this.#pass(inner))
    } finally {
      this.#accepted--
    }
  }

  async #pass<R>(inner: () => Promise<R>): Promise<R> {
    if (this.#running >= RUNNING_MAX) await new Promise<void>(resolve => this.#queue.push(resolve))
    else this.#running++
    try {
      return await inner()
    } finally {
      const next = this.#queue.shift()
      if (next) next()
      else this.#running--
    }
  }
}

/** What the executable prints and its exit status, or why it must run itself. Never throws. */
export async function runWhole(
  request: CallRequest,
  isGone: () => boolean,
  deps: WholeDeps,
): Promise<CniCallReply | FullImageReply> {
  const why = deps.off ?? whyFullImage(request, deps.full)
  if (why !== undefined) return { execFullImage: `the agent ${why}` }
  const containerID = request.env['CNI_CONTAINERID'] ?? ''
  const arrivedMs = deps.now()
  const run = (): Promise<CniCallReply> => runNow(request, isGone, { ...deps, arrivedMs })
  const outcome = await deps.gate.through(pass =>
    containerID === '' ? pass(run) : deps.serializer.run(containerID, () => pass(run)),
  )
  return outcome ?? refused(request, `${WAITING_MAX} CNI calls of this node wait already`)
}

interface RunDeps extends WholeDeps {
  readonly arrivedMs: number
}

async function runNow(request: CallRequest, isGone: () => boolean, deps: RunDeps): Promise<CniCallReply> {
  const { plugin, env, stdin } = request
  // The runtime has killed the executable while it waited: nothing was done, DEL follows.
  if (isGone()) return refused(request, 'the client has gone')
  const began = deps.now()
  const { sysctls } = deps
  const call = { plugin, env: { ...deps.env, ...passedOf(env) }, stdin, sysctls }
  const of = { containerID: env['CNI_CONTAINERID'] ?? '', ifName: env['CNI_IFNAME'] ?? '' }
  const outcome = await deps.run(call).catch((error: unknown) => refused(request, error))
  logCall({ name: plugin, env, outcome, ms: deps.now() - began, waitedMs: began - deps.arrivedMs }, deps)
  return { ...outcome, ...of }
}

function refused({ stdin }: CallRequest, why: unknown): CniCallReply {
  const sentence = `spiderpool-agent has not run this call: ${why instanceof Error ? why.message : String(why)}`
  const error = new CniError('tryAgain', sentence, 'try again later')
  return { exitCode: 1, stdout: pretty(errorReply(error, versionIn(stdin))), stderr: '' }
}

function versionIn(stdin: string): string {
  try {
    const { cniVersion } = JSON.parse(stdin) as { readonly cniVersion?: unknown }
    return typeof cniVersion === 'string' ? cniVersion : ''
  } catch {
    return ''
  }
}
