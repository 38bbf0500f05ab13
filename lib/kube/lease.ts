// Leader election on a Lease, as client-go does it, so that its replicas and ours exclude each other. Knows one Lease; knows no work.
import type { Kube } from './client.js'
import { isAlreadyExists, isConflict, isNotFound, KubeError } from './errors.js'
import { LEASES } from './kinds.js'

export interface LeaseTiming {
  /** A lease that was not renewed for so long is free. */
  readonly durationMs: number
  /** Who could not renew for so long leads no more; less than durationMs. */
  readonly renewDeadlineMs: number
  /** Between tries, of the leader and of those who wait. */
  readonly retryMs: number
}

export interface Lease {
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly resourceVersion?: string }
  readonly spec?: {
    readonly holderIdentity?: string
    readonly leaseDurationSeconds?: number
    readonly acquireTime?: string
    readonly renewTime?: string
    readonly leaseTransitions?: number
  }
}

/** What this process saw of the lease, and when by its own monotonic clock: clocks of other machines are never compared with ours. */
export interface ObservedLease {
  readonly resourceVersion: string
  readonly seenMs: number
}

/** True where the lease may be taken: free, ours already, or unchanged for as long as its holder promised. */
export function mayTake(
  lease: Lease,
  identity: string,
  sighting: ObservedLease,
  nowMs: number,
  timing: LeaseTiming,
): boolean {
  const { holderIdentity = '', leaseDurationSeconds } = lease.spec ?? {}
  if (holderIdentity === '' || holderIdentity === identity) return true
  const promisedMs = leaseDurationSeconds === undefined ? timing.durationMs : leaseDurationSeconds * 1000
  return nowMs - sighting.seenMs > promisedMs
}

/** The lease as it shall be with `identity` holding it from `now` on (MicroTime, as the API wants it). */
export function taken(lease: Lease, identity: string, now: Date, timing: LeaseTiming): Lease {
  const { spec = {} } = lease
  const isOurs = spec.holderIdentity === identity
  const renewTime = now.toISOString().replace('Z', '000Z')
  return {
    ...lease,
    spec: {
      ...spec,
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(timing.durationMs / 1000),
      acquireTime: isOurs ? (spec.acquireTime ?? renewTime) : renewTime,
      renewTime,
      leaseTransitions: (spec.leaseTransitions ?? 0) + (isOurs || spec.holderIdentity === undefined ? 0 : 1),
    },
  }
}

export interface ElectionConfig {
  readonly kube: Kube
  readonly namespace: string
  readonly name: string
  readonly identity: string
  readonly timing: LeaseTiming
  /** Told when this process begins to lead, and when it no longer does. */
  readonly onChange: (leads: boolean) => void
  readonly onTrouble: (error: KubeError) => void
  /** Called after each try that the API server answered, whoever has the lease. */
  readonly onAnswer?: () => void
  readonly signal: AbortSignal
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  /** Monotonic milliseconds. */
  readonly now: () => number
}

export class Election {
  readonly #with: ElectionConfig
  #heldUntilMs = -Infinity
  #leads = false
  #sighting: ObservedLease | undefined
  #leader = ''
  #lookedMs: number

  constructor(electing: ElectionConfig) {
    this.#with = electing
    this.#lookedMs = electing.now()
  }

  /** Milliseconds since the last try at the Lease began: it grows beyond a few periods only where the process is stuck. */
  get idleMs(): number {
    return this.#with.now() - this.#lookedMs
  }

  /** Who was last seen to hold the lease; '' where nobody was. */
  get leader(): string {
    return this.#leader
  }

  /** True only as long as nobody else can have taken over: asked again before every write. */
  holds(): boolean {
    return this.#leads && this.#with.now() < this.#heldUntilMs
  }

  /** Until the signal: takes the lease when it can, renews it, gives it back at the end. */
  async run(): Promise<void> {
    const { signal, sleep, timing, now } = this.#with
    while (!signal.aborted) {
      const beganMs = now()
      this.#lookedMs = beganMs
      const won = await this.#tryInTime()
      if (won) this.#heldUntilMs = beganMs + timing.renewDeadlineMs
      this.#tell(won || (this.#leads && now() < this.#heldUntilMs))
      if (!signal.aborted) await sleep(timing.retryMs, signal)
    }
    const led = this.#leads
    this.#tell(false)
    if (led) await this.#giveBack()
  }

  /** A try that hangs must not hide that the deadline has passed. */
  async #tryInTime(): Promise<boolean> {
    const { signal, sleep, timing } = this.#with
    const over = new AbortController()
    const late = sleep(timing.renewDeadlineMs / 2, AbortSignal.any([signal, over.signal])).then(() => false)
    try {
      return await Promise.race([this.#try(), late])
    } finally {
      over.abort()
    }
  }

  #tell(leads: boolean): void {
    if (leads === this.#leads) return
    this.#leads = leads
    this.#with.onChange(leads)
  }

  async #try(): Promise<boolean> {
    try {
      const won = await this.#takeOrRenew()
      this.#with.onAnswer?.()
      return won
    } catch (error) {
      if (!(error instanceof KubeError)) throw error
      if (!isConflict(error) && !isAlreadyExists(error)) this.#with.onTrouble(error)
      return false
    }
  }

  async #takeOrRenew(): Promise<boolean> {
    const { kube, namespace, name, identity, timing, now } = this.#with
    const lease = await this.#read()
    if (!lease) {
      await kube.create<Lease>(LEASES, taken({ metadata: { name, namespace } }, identity, new Date(), timing))
      this.#leader = identity
      return true
    }
    const sighting = this.#see(lease)
    if (!mayTake(lease, identity, sighting, now(), timing)) return false
    await kube.replace<Lease>(LEASES, taken(lease, identity, new Date(), timing))
    this.#leader = identity
    return true
  }

  async #read(): Promise<Lease | undefined> {
    const { kube, namespace, name } = this.#with
    try {
      return await kube.get<Lease>(LEASES, { namespace, name })
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  #see(lease: Lease): ObservedLease {
    this.#leader = lease.spec?.holderIdentity ?? ''
    const resourceVersion = lease.metadata.resourceVersion ?? ''
    if (this.#sighting?.resourceVersion !== resourceVersion)
      this.#sighting = { resourceVersion, seenMs: this.#with.now() }
    return this.#sighting
  }

  /** So that the next leader need not wait until the lease runs out. */
  async #giveBack(): Promise<void> {
    const { kube, identity, onTrouble } = this.#with
    try {
      const lease = await this.#read()
      if (lease?.spec?.holderIdentity !== identity) return
      await kube.replace<Lease>(LEASES, {
        ...lease,
        spec: { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1 },
      })
    } catch (error) {
      if (!(error instanceof KubeError)) throw error
      onTrouble(error)
    }
  }
}
