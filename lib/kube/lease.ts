// Leader election on a Lease, compatible with client-go's leaderelection, so that replicas of both
// exclude each other.
import type { Kube } from './client.js'
import { isAlreadyExists, isConflict, isNotFound, KubeError } from './errors.js'
import { LEASES } from './kinds.js'

export interface LeaseTiming {
  /** LeaseDuration: a lease that was not renewed for this long is free. */
  readonly durationMs: number
  /** RenewDeadline: a leader that could not renew for this long stops; less than durationMs. */
  readonly renewDeadlineMs: number
  /** RetryPeriod, of leader and candidates. */
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

/**
 * A version of the lease and when this process observed it, by its monotonic clock: clocks of
 * machines are never compared.
 */
export interface ObservedLease {
  readonly resourceVersion: string
  readonly observedMs: number
}

/** True if the lease may be acquired: free, held by us, or not renewed within its duration. */
export function mayTake(
  lease: Lease,
  identity: string,
  observed: ObservedLease,
  nowMs: number,
  timing: LeaseTiming,
): boolean {
  const { holderIdentity = '', leaseDurationSeconds } = lease.spec ?? {}
  if (holderIdentity === '' || holderIdentity === identity) return true
  const leaseDurationMs = leaseDurationSeconds === undefined ? timing.durationMs : leaseDurationSeconds * 1000
  return nowMs - observed.observedMs > leaseDurationMs
}

/** The lease as acquired or renewed by `identity` at `now` (as MicroTime). */
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
  /** Called when this process starts and when it stops leading. */
  readonly onChange: (leads: boolean) => void
  readonly onTrouble: (error: KubeError) => void
  /** Called after each try that the API server answered, with or without the lease. */
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
  #observed: ObservedLease | undefined
  #leader = ''
  #lastTryMs: number

  constructor(electing: ElectionConfig) {
    this.#with = electing
    this.#lastTryMs = electing.now()
  }

  /** Milliseconds since the last try began; more than a few periods mean a stuck process. */
  get idleMs(): number {
    return this.#with.now() - this.#lastTryMs
  }

  /** The last observed holder; '' for none. */
  get leader(): string {
    return this.#leader
  }

  /** True while no other process can have acquired the lease; checked before every write. */
  holds(): boolean {
    return this.#leads && this.#with.now() < this.#heldUntilMs
  }

  /** Acquires and renews the lease until the signal, then releases it. */
  async run(): Promise<void> {
    const { signal, sleep, timing, now } = this.#with
    while (!signal.aborted) {
      const beganMs = now()
      this.#lastTryMs = beganMs
      const won = await this.#tryInTime()
      if (won) this.#heldUntilMs = beganMs + timing.renewDeadlineMs
      this.#setLeading(won || (this.#leads && now() < this.#heldUntilMs))
      if (!signal.aborted) await sleep(timing.retryMs, signal)
    }
    const led = this.#leads
    this.#setLeading(false)
    if (led) await this.#release()
  }

  /** Bounds a try, so that a hanging request does not hide the renew deadline. */
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

  #setLeading(leads: boolean): void {
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
    const observed = this.#observe(lease)
    if (!mayTake(lease, identity, observed, now(), timing)) return false
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

  #observe(lease: Lease): ObservedLease {
    this.#leader = lease.spec?.holderIdentity ?? ''
    const resourceVersion = lease.metadata.resourceVersion ?? ''
    if (this.#observed?.resourceVersion !== resourceVersion)
      this.#observed = { resourceVersion, observedMs: this.#with.now() }
    return this.#observed
  }

  /** ReleaseOnCancel: the next leader need not wait for the lease to expire. */
  async #release(): Promise<void> {
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
