// An in-memory cluster around planSubnet(): objects, admission, pods that hold addresses, and a
// controller that may die between writes.
import type { SpiderIPPool, SpiderSubnet } from '../../../../../lib/crd/types.js'
import { controlledOf } from '../../../../../lib/crd/controlled.js'
import {
  formatRanges,
  intersect,
  nth,
  normal,
  sizeOf,
  subtract,
  union,
  type Ranges,
} from '../../../../../lib/ip/range.js'
import { demandOfWorkload, type Workload } from '../../../../../daemons/controller/reconcilers/application/decide.js'
import {
  identityOfPool,
  isFor,
  autoPoolRequestsFor,
  type AutoPoolRequest,
} from '../../../../../daemons/controller/reconcilers/subnet/autopool.js'
import { planSubnet, type SubnetPlan } from '../../../../../daemons/controller/reconcilers/subnet/decide.js'
import { effectiveOf } from '../../../../../lib/crd/addressing.js'
import type { PoolWrite } from '../../../../../daemons/controller/reconcilers/subnet/pool.js'

export const CIDR = '10.9.0.0/24'
const SPAN = 24n // number of addresses: few, so that everything conflicts
const BASE = 0x0a090000n

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
type Meta = Mutable<SpiderIPPool['metadata']>

/**
 * `a` and `b` in [0, 1) choose which and how many. Data, so that a failing run can be minimized.
 */
export interface Op {
  readonly verb: keyof typeof VERBS
  readonly a: number
  readonly b: number
}

export class World {
  subnet: SpiderSubnet
  readonly pools = new Map<string, SpiderIPPool>()
  readonly apps = new Map<string, Workload>()
  /** UID of the pool, by address. */
  readonly held = new Map<bigint, string>()
  reserved: Ranges = []
  /**
   * Whether admission compares pools with one another and with what pods hold. Without it the plan
   * alone must be right.
   */
  readonly admits: boolean
  #version = 0

  constructor(admits: boolean) {
    this.admits = admits
    this.subnet = {
      metadata: { name: 'lan', uid: 'subnet-uid', resourceVersion: '0' },
      spec: { subnet: CIDR, ips: [text(0n, SPAN - 1n)], gateway: text(1n, 1n) },
    }
  }

  version(): string {
    this.#version += 1
    return `${this.#version}`
  }

  put(pool: SpiderIPPool): void {
    const { name, uid = `uid-${this.version()}`, creationTimestamp = this.version().padStart(8, '0') } = pool.metadata
    this.pools.set(name, {
      ...pool,
      metadata: { ...pool.metadata, uid, creationTimestamp, resourceVersion: this.version() },
    })
  }

  /** The webhook's verdict. */
  refuses(pool: SpiderIPPool): boolean {
    if (!this.admits) return false
    const own = rangesOf(pool)
    const clashes = [...this.pools.values()].some(
      other => other.metadata.name !== pool.metadata.name && intersect(own, rangesOf(other)).length > 0,
    )
    return clashes || subtract(this.heldOf(pool), own).length > 0
  }

  heldOf({ metadata }: SpiderIPPool): Ranges {
    const at = [...this.held].filter(([, uid]) => uid === metadata.uid)
    return normal(at.map(([first]) => ({ first, last: first })))
  }

  /** Terminating pools without addresses are deleted. */
  collect(): void {
    for (const pool of this.pools.values())
      if (pool.metadata.deletionTimestamp !== undefined && this.heldOf(pool).length === 0)
        this.pools.delete(pool.metadata.name)
  }

  remove(name: string): void {
    const pool = this.pools.get(name)
    if (pool)
      this.pools.set(name, {
        ...pool,
        metadata: { ...pool.metadata, deletionTimestamp: 'now', resourceVersion: this.version() },
      })
    this.collect()
  }

  requests(): readonly AutoPoolRequest[] {
    return [...this.apps.values()]
      .map(app => demandOfWorkload('Deployment', app, 0))
      .flatMap(demand => (demand.kind === 'valid' ? autoPoolRequestsFor(demand.application, 'lan', [4]) : []))
  }

  /** A snapshot, as a cache that lags may show it. */
  plan(): SubnetPlan {
    const [pools, requests, held] = [new Map(this.pools), this.requests(), new Map(this.held)]
    const then = { heldOf: (pool: SpiderIPPool) => World.prototype.heldOf.call({ held } as World, pool) }
    return planSubnet({
      ...{ subnet: this.subnet, pools: [...pools.values()], requests, isThorough: true, older: undefined },
      reserved: [{ metadata: { name: 'r' }, spec: { ips: formatRanges(this.reserved, 4) } }],
      heldOf: then.heldOf,
      poolNamed: name => pools.get(name),
      requestStateOf: pool => {
        const app = this.apps.get(identityOfPool(pool)?.name ?? '')
        if (app?.metadata.uid !== identityOfPool(pool)?.uid) return 'gone'
        return requests.some(request => isFor(pool, request)) ? 'kept' : 'unrequested'
      },
    })
  }

  /** The writes of a plan, one by one; each throws where the API server would reject it. */
  steps(plan: SubnetPlan): readonly (() => void)[] {
    const { controlledIPPools, totalIPCount, allocatedIPCount } = this.subnet.status ?? {}
    const desired = plan.status
    const isSame =
      controlledIPPools === desired.controlledIPPools &&
      totalIPCount === desired.totalIPCount &&
      allocatedIPCount === desired.allocatedIPCount
    const { resourceVersion } = this.subnet.metadata
    const status = (): void => {
      if (this.subnet.metadata.resourceVersion !== resourceVersion) throw new Error('conflict of the status')
      this.subnet = {
        ...this.subnet,
        status: plan.status,
        metadata: { ...this.subnet.metadata, resourceVersion: this.version() },
      }
    }
    return [...(isSame ? [] : [status]), ...plan.pools.map(write => () => this.write(write))]
  }

  write(write: PoolWrite): void {
    const pool = this.pools.get(write.name)
    if (write.verb === 'create') {
      if (pool || this.refuses(write.pool)) throw new Error('refused')
      return this.put(write.pool)
    }
    const { resourceVersion } = write.verb === 'delete' ? write : (write.body.metadata as Meta)
    if (pool?.metadata.resourceVersion !== resourceVersion) throw new Error('conflict')
    if (write.verb === 'delete') return this.remove(write.name)
    const { labels, ...metadata } = write.body.metadata as Meta
    const merged = Object.fromEntries(
      Object.entries({ ...pool?.spec, ...write.body.spec }).filter(([, value]) => value !== null),
    )
    const next = {
      metadata: { ...pool?.metadata, ...metadata, labels: { ...pool?.metadata.labels, ...labels } },
      spec: merged,
    } as unknown as SpiderIPPool
    if (this.refuses(next)) throw new Error('refused')
    this.put(next)
  }
}

export const text = (first: bigint, last: bigint): string =>
  formatRanges([{ first: BASE + first, last: BASE + last }], 4)[0] ?? ''
export const rangesOf = ({ spec }: SpiderIPPool): Ranges => effectiveOf(spec, 4)
const isAuto = (pool: SpiderIPPool): boolean => identityOfPool(pool) !== undefined
const pick = <T>(of: Iterable<T>, at: number): T | undefined => {
  const all = [...of]
  return all[Math.floor(at * all.length)]
}

const app = (name: string, uid: string, replicas: number, { reclaim }: { readonly reclaim: boolean }): Workload => ({
  metadata: { name, namespace: 'default', uid },
  spec: {
    replicas,
    template: {
      metadata: {
        annotations: {
          'ipam.spidernet.io/subnet': '{"ipv4":["lan"]}',
          'ipam.spidernet.io/ippool-ip-number': replicas % 3 === 0 ? '+1' : `${replicas}`,
          'ipam.spidernet.io/ippool-reclaim': `${reclaim}`,
        },
      },
    },
  },
})

/**
 * Runs the writes of a plan up to the one it is killed before. A rejected write is retried later
 * and does not stop those of other pools, unless it was the status. Returns the last rejection.
 */
export function run(steps: readonly (() => void)[], upTo = steps.length): string | undefined {
  let refusal: string | undefined
  for (const step of steps.slice(0, upTo))
    try {
      step()
    } catch (error) {
      refusal = String(error)
      if (refusal.includes('status')) return refusal
    }
  return refusal
}

/** Events of a cluster; the invariants are checked after each. */
export const VERBS = {
  create: (world: World, a: number, b: number) => {
    const name = `app${Math.floor(a * 5)}`
    if (!world.apps.has(name))
      world.apps.set(name, app(name, `u-${world.version().padStart(5, '0')}`, Math.floor(b * 7), { reclaim: a < 0.8 }))
  },
  scale: (world: World, a: number, b: number) => {
    const one = pick(world.apps.values(), a)
    if (one)
      world.apps.set(
        one.metadata.name,
        app(one.metadata.name, one.metadata.uid ?? '', Math.floor(b * 9), { reclaim: b < 0.8 }),
      )
  },
  delete: (world: World, a: number) => void world.apps.delete(pick(world.apps.keys(), a) ?? ''),
  hold: (world: World, a: number, b: number) => {
    const pool = pick(world.pools.values(), a)
    const ranges = pool && pool.metadata.deletionTimestamp === undefined ? rangesOf(pool) : []
    const at = nth(ranges, BigInt(Math.floor(b * Number(sizeOf(ranges)))))
    if (at !== undefined && !world.held.has(at)) world.held.set(at, pool?.metadata.uid ?? '')
  },
  /**
   * An ADD that read its pool long ago: the address may have left it, or belong to another
   * application's pool by now. Never for a terminating pool: then the API server rejects every
   * write until the pod or that pool is gone.
   */
  holdLate: (world: World, a: number, b: number) => {
    const pool = pick([...world.pools.values()].filter(isAuto), a)
    const at = BASE + BigInt(Math.floor(b * Number(SPAN)))
    const isFixed = [...world.pools.values()].some(
      one =>
        (!isAuto(one) || one.metadata.deletionTimestamp !== undefined) &&
        intersect(rangesOf(one), [{ first: at, last: at }]).length > 0,
    )
    if (pool && !isFixed && !world.held.has(at)) world.held.set(at, pool.metadata.uid ?? '')
  },
  release: (world: World, a: number) => {
    world.held.delete(pick(world.held.keys(), a) ?? 0n)
    world.collect()
  },
  manual: (world: World, a: number, b: number) => {
    const first = BigInt(Math.floor(a * Number(SPAN)))
    const pool = {
      metadata: { name: `manual${Math.floor(b * 3)}` },
      spec: { subnet: CIDR, ips: [text(first, first + BigInt(Math.floor(b * 4)))] },
    }
    const held = [...world.held.keys()].map(at => ({ first: at, last: at }))
    const isFree = ![...[...world.pools.values()].map(rangesOf), held].some(
      other => intersect(normal(other), rangesOf(pool)).length > 0,
    )
    if (isFree && !world.pools.has(pool.metadata.name)) world.put(pool)
  },
  removePool: (world: World, a: number) => world.remove(pick(world.pools.keys(), a) ?? ''),
  /** Edits a pool against what the controller assigned; the webhook reviews this write too. */
  edit: (world: World, a: number, b: number) => {
    const pool = pick(world.pools.values(), a)
    if (!pool || pool.metadata.deletionTimestamp !== undefined) return
    const cut = subtract(rangesOf(pool), [{ first: BASE, last: BASE + BigInt(Math.floor(b * Number(SPAN))) }])
    const edited = { ...pool, spec: { ...pool.spec, ips: formatRanges(union(cut, world.heldOf(pool)), 4) } }
    if (!world.refuses(edited)) world.put(edited)
  },
  resize: (world: World, a: number, b: number) => {
    const first = BigInt(Math.floor(a * 6))
    const { metadata, spec } = world.subnet
    const ips = [text(first, first + BigInt(8 + Math.floor(b * 16)))]
    world.subnet = {
      ...world.subnet,
      metadata: { ...metadata, resourceVersion: world.version() },
      spec: { ...spec, ips },
    }
  },
  reserve: (world: World, a: number) => {
    const at = BASE + BigInt(Math.floor(a * Number(SPAN)))
    world.reserved = a < 0.3 ? [] : [{ first: at, last: at + 1n }]
  },
  /** A user edits or deletes the status. */
  spoil: (world: World, a: number) => {
    const { metadata, status } = world.subnet
    const text =
      a < 0.5 ? undefined : a < 0.7 ? 'no json' : '{"x":{"ips":["10.9.0.3"],"application":"y"},"auto4-":{"ips":4}}'
    const { controlledIPPools: _, ...counts } = status ?? {}
    world.subnet = {
      ...world.subnet,
      metadata: { ...metadata, resourceVersion: world.version() },
      status: { ...counts, ...(text !== undefined && { controlledIPPools: text }) },
    }
  },
  /** One reconcile, killed before the write that `a` chooses, or complete. */
  reconcile: (world: World, a: number) => {
    const steps = world.steps(world.plan())
    run(steps, a < 0.5 ? Math.floor(a * 2 * (steps.length + 1)) : undefined)
  },
} as const satisfies Record<string, (world: World, a: number, b: number) => void>

export const recordsOf = ({ subnet }: World) => controlledOf(subnet.status?.controlledIPPools, 4)
