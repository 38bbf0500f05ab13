// Thousands of random histories of a subnet, its applications and a controller that is killed
// between writes. No address is in two pools, none is lost. SEED=n runs that history only,
// HISTORIES=n so many, FIRST=n starts there; a failing history is minimized.
import t from 'tap'
import type { SpiderIPPool } from '../../../../../lib/crd/types.js'
import { identityOfPool } from '../../../../../daemons/controller/reconcilers/subnet/autopool.js'
import { effectiveOf, usableOf } from '../../../../../lib/crd/addressing.js'
import { parsePrefix } from '../../../../../lib/ip/cidr.js'
import { intersect, normal, sizeOf, subtract, type Ranges } from '../../../../../lib/ip/range.js'
import { usableIn } from '../../../../../lib/ip/usable.js'
import { randomFrom } from '../../../../lib/ipam/world.js'
import { rangesOf, recordsOf, run, VERBS, World, type Op } from './world.js'

const HISTORIES = Number(process.env['HISTORIES'] ?? 500)
const OPS = 60
const ROUNDS_MAX = 20

const names = Object.keys(VERBS) as readonly Op['verb'][]

function historyOf(seed: number): readonly Op[] {
  const random = randomFrom(seed)
  return Array.from({ length: OPS }, () => {
    const verb = random() < 0.4 ? 'reconcile' : (names[Math.floor(random() * names.length)] ?? 'reconcile')
    return { verb, a: random(), b: random() }
  })
}

const RACES: readonly Op['verb'][] = ['holdLate', 'spoil']

/** The first violated invariant; undefined where all hold. */
function broken(ops: readonly Op[], admits: boolean): string | undefined {
  const world = new World(admits)
  for (const [at, { verb, a, b }] of ops.entries()) {
    if (!admits && RACES.includes(verb)) continue
    VERBS[verb](world, a, b)
    const clash = overlapIn(world)
    if (clash !== undefined) return `${clash} after ${at} ${verb}`
  }
  if (isCircle(world)) return undefined
  return (isBlocked(world) ? undefined : (settled(world) ?? everyoneServed(world))) ?? emptied(world)
}

function overlapIn({ pools }: World): string | undefined {
  const all = [...pools.values()]
  const total = sizeOf(normal(all.flatMap(rangesOf)))
  return total === sizeOf(all.flatMap(rangesOf))
    ? undefined
    : `two pools overlap: ${JSON.stringify(all.map(({ metadata, spec }) => [metadata.name, spec.ips]))}`
}

/** The pools whose addresses a pool must take over, because late ADDs hold them. */
const straysOf = (world: World, pool: SpiderIPPool): readonly SpiderIPPool[] =>
  [...world.pools.values()].filter(other => other !== pool && intersect(world.heldOf(pool), rangesOf(other)).length > 0)

/**
 * A late ADD holds an address of a terminating pool, which cannot be changed: the API server
 * rejects every write of its own pool until that one is gone.
 */
const isBlocked = (world: World): boolean =>
  [...world.pools.values()].some(pool =>
    straysOf(world, pool).some(({ metadata }) => metadata.deletionTimestamp !== undefined),
  )

/**
 * Pods of a hold an address of b's pool and pods of b one of a's, and both pools are full: neither
 * can be written without a person.
 */
function isCircle(world: World): boolean {
  const leadsTo = (pool: SpiderIPPool, way: readonly SpiderIPPool[]): boolean =>
    way.includes(pool) || straysOf(world, pool).some(next => leadsTo(next, [...way, pool]))
  return [...world.pools.values()].some(pool => leadsTo(pool, []))
}

/** Reconciles without kills until there is nothing to write. */
function settled(world: World): string | undefined {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const steps = world.steps(world.plan())
    if (steps.length === 0) return undefined
    const refusal = run(steps)
    if (refusal !== undefined && round === ROUNDS_MAX - 1) return `refused for ever: ${refusal}`
    const clash = overlapIn(world)
    if (clash !== undefined) return clash
  }
  return `still writing after ${ROUNDS_MAX} rounds`
}

const allOf = (world: World): Ranges => normal([...world.pools.values()].flatMap(rangesOf))

function everyoneServed(world: World): string | undefined {
  const usable = usableOf(world.subnet.spec, 4)
  const gateway = [{ first: 0x0a090001n, last: 0x0a090001n }]
  const held = [...world.held.keys()].map(at => ({ first: at, last: at }))
  const taken = normal([...world.reserved, ...gateway, ...allOf(world), ...held])
  const free = sizeOf(subtract(usable, taken))
  for (const { application } of world.requests()) {
    const pool = [...world.pools.values()].find(
      one => identityOfPool(one)?.uid === application.uid && one.metadata.deletionTimestamp === undefined,
    )
    const has = pool ? rangesOf(pool) : []
    const held = pool ? sizeOf(world.heldOf(pool)) : 0n
    const isWaiting = !pool && [...world.pools.values()].some(one => one.metadata.deletionTimestamp !== undefined)
    const wants = BigInt(application.size)
    const missing = wants - sizeOf(has)
    if (missing > 0n && missing <= free && !isWaiting)
      return `${application.name} lacks ${missing}, and ${free} are free`
    if (missing < 0n && sizeOf(has) !== held)
      return `${application.name} has ${-missing} too many, and pods hold ${held}`
    if (pool && subtract(world.heldOf(pool), has).length > 0) return `a held address is outside ${pool.metadata.name}`
    const record = recordsOf(world).get(pool?.metadata.name ?? '')?.ranges ?? []
    if (subtract(has, record).length > 0 || subtract(record, has).length > 0)
      return `the record of ${application.name} differs`
  }
  const manual = [...world.pools.values()].filter(pool => identityOfPool(pool) === undefined)
  const ofPods = { subnet: parsePrefix(world.subnet.spec.subnet) }
  const charged = [...recordsOf(world).values()].reduce(
    (sum, { ranges }) => sum + sizeOf(usableIn(ranges, 4, ofPods)),
    0n,
  )
  if (Number(charged) !== world.subnet.status?.allocatedIPCount)
    return 'allocatedIPCount is not what the records add up to'
  for (const pool of manual) {
    const record = recordsOf(world).get(pool.metadata.name)?.ranges ?? []
    if (sizeOf(record) !== sizeOf(intersect(rangesOf(pool), effectiveOf(world.subnet.spec, 4))))
      return `the record of ${pool.metadata.name} is wrong`
  }
  return undefined
}

/**
 * After applications and pods are gone, so are their pools, and the subnet has all addresses back.
 */
function emptied(world: World): string | undefined {
  world.apps.clear()
  world.held.clear()
  world.collect()
  for (const [name, pool] of world.pools) if (identityOfPool(pool) === undefined) world.remove(name)
  const clash = settled(world)
  if (clash !== undefined) return `${clash}, when all applications were gone`
  const left = [...world.pools.values()].filter(
    ({ metadata }) => metadata.labels?.['ipam.spidernet.io/ippool-reclaim'] !== 'false',
  )
  if (left.length > 0) return `${left.map(({ metadata }) => metadata.name).join(', ')} stayed`
  const kept = sizeOf(allOf(world))
  return Number(kept) === world.subnet.status?.allocatedIPCount ? undefined : 'the subnet has not everything back'
}

/** Minimizes a failing history. */
function shrunk(ops: readonly Op[], admits: boolean): readonly Op[] {
  let least = ops
  for (let at = least.length - 1; at >= 0; at--) {
    const fewer = least.filter((_, place) => place !== at)
    if (broken(fewer, admits) !== undefined) least = fewer
  }
  return least
}

/**
 * Histories that failed once, beyond the first ones. 900477: two late ADDs that cross, and one of
 * the applications is deleted.
 */
const FAILED_ONCE = [900_477]

const only = process.env['SEED']
const first = Number(process.env['FIRST'] ?? 1)
const seeds =
  only === undefined ? [...Array.from({ length: HISTORIES }, (_, at) => first + at), ...FAILED_ONCE] : [Number(only)]
for (const admits of [true, false])
  t.test(
    `${admits ? 'with an admission, races and hand-made status' : 'without any admission'}, no history breaks it`,
    t => {
      t.comment(`${seeds.length} seeds from ${seeds[0]}`)
      for (const seed of seeds) {
        const ops = historyOf(seed)
        const why = broken(ops, admits)
        if (why === undefined) continue
        const least = shrunk(ops, admits)
        t.fail(`SEED=${seed}: ${broken(least, admits)}`, { least: least.map(op => JSON.stringify(op)) })
        break
      }
      t.pass('all held')
      t.end()
    },
  )
