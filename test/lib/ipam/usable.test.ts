// allocate() on random pools: never an address that no host can have, and finally every other one.
// SEED=n runs that one pool alone, POOLS=n as many.
import t from 'tap'
import { poolStatus } from '../../../daemons/controller/reconcilers/ippool/decide.js'
import { ip } from '../../../lib/ip/address.js'
import { allocate, type AllocationResult } from '../../../lib/ipam/allocation/allocate.js'
import { addressObject } from '../../../lib/ipam/allocation/address-object.js'
import type { Claimant } from '../../../lib/ipam/allocation/claimant.js'
import { poolOf } from '../../../lib/ipam/allocation/pool.js'
import { eachOf, poolOfSeed, type Made } from '../../fixtures/pools.js'
import { Schedule, World, type Process } from './world.js'

const POOLS = Number(process.env['POOLS'] ?? 400)

const claimantOf = (name: string): Claimant => ({
  ...{ namespace: 'default', name, uid: `uid-${name}`, record: name, node: 'n', containerID: `c-${name}` },
  owner: { apiVersion: 'v1', kind: 'Pod', name },
})

/** ADDs one pod after the other until the pool is full: their addresses, and the last refusal. */
async function drained({ pool, family, usable }: Made, schedule: Schedule): Promise<readonly string[]> {
  const world = new World(schedule, [pool])
  const process: Process = { killed: false, onKill: () => undefined }
  const store = world.port(process)
  const own = poolOf(pool, family)
  // Pods that exist already, on any kind of address of the pool.
  const texts = (pool.spec.ips ?? []).flatMap(text => eachOf(text, family))
  for (const text of texts.filter(() => schedule.random() < 0.15))
    world.addresses.create(addressObject({ ip: ip(text), pool: own, nic: 'eth0', claimant: claimantOf(`old-${text}`) }))
  const got: string[] = []
  for (let n = 0; n <= usable.size; n++) {
    const names = [...world.addresses.objects.values()].map(({ metadata }) => metadata.name)
    const isRetained = schedule.random() < 0.5
    const status = poolStatus(pool, { allocated: names.length, names: () => names })
    world.pools[0] = isRetained ? { ...pool, status } : { ...pool, status: { freeIPs: texts.slice(0, 3) } }
    const wanted = { claimant: claimantOf(`p${n}`), nic: 'eth0', pools: [poolOf(world.pools[0], family)], reserved: [] }
    let taken: AllocationResult | undefined
    const ended = allocate(wanted, { store, journal: world.journal(`c${n}`), random: schedule.random })
    await Promise.all([schedule.run(0, () => taken !== undefined), ended.then(done => (taken = done))])
    if (taken?.kind !== 'held') break
    got.push(taken.object.spec.address.split('/')[0] ?? '')
  }
  return got
}

t.test(`allocate() of ${POOLS} random pools allocates every usable address and no other`, async t => {
  const only = process.env['SEED']
  const seeds = only === undefined ? Array.from({ length: POOLS }, (_, at) => at + 1) : [Number(only)]
  let [given, skipped] = [0, 0]
  for (const seed of seeds) {
    const schedule = new Schedule(seed)
    const made = poolOfSeed(schedule.random)
    const { family, pool, usable } = made
    const before = new Schedule(seed + 1_000_000)
    const got = await drained(made, before)
    const wrong = got.filter(one => !usable.has(one))
    const twice = got.filter((one, at) => got.indexOf(one) !== at)
    const taken = new Set(got)
    const held = new Set(heldBefore(made, seed + 1_000_000))
    const never = [...usable].filter(one => !taken.has(one) && !held.has(one))
    const both = got.filter(one => held.has(one))
    if (wrong.length + twice.length + never.length + both.length > 0) {
      const { ips, excludeIPs, gateway, subnet } = pool.spec
      t.fail(`SEED=${seed} IPv${family}`, { wrong, twice, never, both, ips, excludeIPs, gateway, subnet })
      return
    }
    t.equal(poolOf(pool, family).unusable > 0n, countOf(made) > usable.size, `SEED=${seed} counts`)
    given += got.length
    skipped += countOf(made) - usable.size
  }
  t.ok(only !== undefined || (given > 1_000 && skipped > 500), `${given} given, ${skipped} skipped`)
})

/** The same random draw as in `drained`: addresses of existing pods. */
function heldBefore({ pool, family }: Made, seed: number): readonly string[] {
  const schedule = new Schedule(seed)
  return (pool.spec.ips ?? []).flatMap(text => eachOf(text, family)).filter(() => schedule.random() < 0.15)
}

/** How many addresses spec.ips without spec.excludeIPs names. */
function countOf({ pool, family }: Made): number {
  const excluded = new Set((pool.spec.excludeIPs ?? []).flatMap(text => eachOf(text, family)))
  return new Set((pool.spec.ips ?? []).flatMap(text => eachOf(text, family)).filter(one => !excluded.has(one))).size
}
