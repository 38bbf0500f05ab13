// The agent assembled: the socket, its API, the calls in flight, health and metrics. Clock, client
// and plugins are arguments.
import { randomBytes } from 'node:crypto'
import { AGENT_PATHS } from '../../lib/agent/protocol.js'
import { messageOf } from '../../lib/errors.js'
import type { Log } from '../../lib/log.js'
import { familyOf, Metrics } from '../../lib/metrics.js'
import { AGENT_METRICS } from './metrics.js'
import { describeCalls } from './call-metrics.js'
import type { HealthChecks } from '../runtime/health.js'
import { apiHandler } from './api/router.js'
import { Claims } from './calls/claims.js'
import type { AgentPlugin, CallDeps } from './calls/run.js'
import { Serializer } from './calls/serialize.js'
import type { ObjectReader } from './object-reader.js'
import { PeerReader } from './http/peer.js'
import type { ServedHandler } from './http/request.js'
import { HttpServer } from './http/server.js'
import { askHandler } from './workers/plugin-requests.js'
import { wholeCalls, type WholeCalls, type WholeCallsParts } from './workers/whole-calls.js'
import { takePath, temporaryBeside, type SocketFile } from './http/socket.js'
import { releaseRecord } from './api/release-pod.js'
import type { AgentConf, AgentSettings } from './settings.js'

/** How often the path is compared with our socket: an administrator may delete it. */
const COMPARE_MS = 1_000
/** Connections that came before the path was taken away are still accepted for this long. */
const LAST_ACCEPT_MS = 50
/** A call in flight has this long after SIGTERM. */
const DRAIN_MS_MAX = 10_000
/** For answers to calls whose threads were ended. */
const ANSWER_MS = 500
const HEALTHY_MS_MAX = 2_000

export interface AgentParts {
  readonly settings: AgentSettings
  readonly conf: AgentConf
  readonly log: Log
  readonly read: ObjectReader
  /** What the caches have not listed yet; calls read it live meanwhile. */
  readonly missing: () => readonly string[]
  /** Why the node's files do not let pods start; undefined where they do. */
  readonly fileFault: () => string | undefined
  readonly plugins: ReadonlyMap<string, AgentPlugin>
  readonly whole: WholeCallsParts
  readonly sameNetns: (path: string) => boolean
  /** Of this process: root's and its own calls are served. */
  readonly uid: number
  /** Variables of the agent for every call. */
  readonly env: Readonly<Record<string, string>>
}

export class Agent {
  readonly metrics = new Metrics()
  readonly #parts: AgentParts
  readonly #claims: Claims
  readonly #calls: CallDeps
  readonly #whole: WholeCalls
  readonly #peers = new PeerReader()
  #server: HttpServer
  #file: SocketFile | undefined
  #timer: ReturnType<typeof setInterval> | undefined
  #hasWarned = false

  constructor(parts: AgentParts) {
    const { conf, log, plugins, env, sameNetns } = parts
    this.#parts = parts
    const now = (): number => performance.now()
    this.#claims = new Claims({ now, id: () => randomBytes(16).toString('hex') })
    const onCall = describeCalls(this.metrics)
    const serializer = new Serializer()
    this.#calls = { plugins, claims: this.#claims, serializer, switches: conf, env, sameNetns, log, now, onCall }
    const ask = askHandler(this.#handler(undefined))
    this.#whole = wholeCalls(parts.whole, { calls: this.#calls, ask, log }, this.metrics)
    this.#server = this.#newServer()
    this.metrics.gauge(familyOf(AGENT_METRICS, 'spiderpool_agent_calls_running'), () => [[serializer.size]])
    this.metrics.gauge(familyOf(AGENT_METRICS, 'spiderpool_agent_connections'), () => [[this.#server.connections]])
    this.metrics.gauge(familyOf(AGENT_METRICS, 'spiderpool_agent_claims'), () => [[this.#claims.size]])
  }

  /** Startup passes once the socket listens; the others ask through the socket. */
  get health(): HealthChecks {
    const listens = (): string | undefined => (this.#file === undefined ? 'the socket does not listen yet' : undefined)
    const answers = (): Promise<string | undefined> => this.#whyUnhealthy()
    const synced = (): string | undefined => {
      const missing = this.#parts.missing()
      return missing.length === 0 ? undefined : `not listed yet: ${missing.join(', ')}`
    }
    return { startup: [listens], readiness: [listens, answers, synced, this.#parts.fileFault], liveness: [answers] }
  }

  /** Listens at the socket's path. @throws Error a sentence */
  async listen(): Promise<void> {
    const { socket } = this.#parts.settings
    const temporary = temporaryBeside(socket)
    try {
      await this.#server.listen(temporary)
    } catch (error) {
      throw new Error(`${temporary} cannot be bound: ${messageOf(error)}`, { cause: error })
    }
    this.#file = takePath(temporary, socket)
    this.#timer ??= setInterval(() => void this.#compare(), COMPARE_MS)
  }

  /** Ends the calls in flight, at most for ten seconds. */
  async drain(): Promise<void> {
    const { log } = this.#parts
    clearInterval(this.#timer)
    this.#file?.remove() // before the close: a client finds no path rather than a closed socket
    await new Promise(resolve => setTimeout(resolve, LAST_ACCEPT_MS))
    const late = await this.#server.drain(DRAIN_MS_MAX)
    if (late > 0)
      log.warn(
        `${late} calls had not ended ${DRAIN_MS_MAX / 1000} s after the signal; their DEL releases what they hold`,
      )
    this.#whole.close() // whole plugins that are late: their threads end, and their clients get code 11
    if (late > 0) await this.#server.drain(ANSWER_MS)
    this.#server.close()
  }

  #newServer(): HttpServer {
    const handler = this.#handler(this.#whole.deps)
    return new HttpServer({ log: this.#parts.log, whyNot: fd => this.#whyNot(fd), handler })
  }

  #handler(whole: WholeCalls['deps'] | undefined): ServedHandler {
    const { settings, conf, read } = this.#parts
    const features = { statefulSet: conf.enableStatefulSet, kubevirt: conf.enableKubevirtStaticIP }
    return apiHandler({
      ...{ calls: this.#calls, whole, read, releasesConflicts: settings.releasesConflicts },
      release: async one => releaseRecord(one, { store: await read.store(one.podUid), features, now: Date.now() }),
    })
  }

  /** The socket's mode admits root alone; a peer that got the descriptor otherwise is refused. */
  #whyNot(fd: number | undefined): string | undefined {
    const peer = fd === undefined ? undefined : this.#peers.of(fd)
    if (peer === undefined) {
      if (!this.#hasWarned)
        this.#parts.log.warn('the peer of a connection is not known; the mode of the socket decides')
      this.#hasWarned = true
      return undefined
    }
    const { pid, uid } = peer
    return uid === 0 || uid === this.#parts.uid ? undefined : `process ${pid} runs as user ${uid}, not as root`
  }

  async #compare(): Promise<void> {
    const { log, settings } = this.#parts
    switch (this.#file?.occupant()) {
      case 'none': {
        log.warn(`${settings.socket} was deleted; it is made again`)
        const old = this.#server
        this.#server = this.#newServer()
        await this.listen().catch((error: unknown) => log.error(messageOf(error)))
        return void old.drain().then(() => old.close())
      }
      case 'other':
        clearInterval(this.#timer)
        return log.warn(`another agent has taken over ${settings.socket}; this one ends the calls that it has`)
      case 'own':
      case undefined:
        return
    }
  }

  async #whyUnhealthy(): Promise<string | undefined> {
    const { socket } = this.#parts.settings
    try {
      const signal = AbortSignal.timeout(HEALTHY_MS_MAX)
      const { status } = await fetch(`http://localhost${AGENT_PATHS.healthy}`, { unix: socket, signal })
      return status === 200 ? undefined : `${socket} answered ${status}`
    } catch (error) {
      return `${socket} does not answer: ${messageOf(error)}`
    }
  }
}
