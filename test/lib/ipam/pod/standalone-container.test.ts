// Random schedules of containers without pods, kills and missing DELs on a small pool: no address
// is allocated twice or leaked.
import t from 'tap'
import type { SpiderIPPool } from '../../../../lib/crd/types.js'
import type { Ip } from '../../../../lib/ip/address.js'
import { addContainer, releaseNic } from '../../../../lib/ipam/pod/standalone-container.js'
import type { ContainerIdentity } from '../../../../lib/ipam/allocation/standalone-identity.js'
import { Schedule, World, type Process } from '../world.js'

const SEEDS = process.env['SEEDS']?.split(',').map(Number) ?? Array.from({ length: 60 }, (_, at) => at)
const SIZE = 4

const pool: SpiderIPPool = {
  metadata: { name: 'small', uid: 'pool-uid' },
  spec: { ipVersion: 4, subnet: '10.1.0.0/24', ips: [`10.1.0.1-10.1.0.${SIZE}`] },
}

/** One machine: its namespaces, and which addresses they use. */
class Machine {
  readonly namespaces = new Map<string, readonly string[]>()
  readonly broken: string[] = []
  readonly world: World
  constructor(world: World) {
    this.world = world
  }

  /**
   * ADD in a new namespace, which uses the result until it is removed. Stays pending after a kill.
   */
  async add(container: ContainerIdentity, process: Process, nic = 'eth0'): Promise<readonly string[]> {
    const { world, namespaces } = this
    const netns = `netns of ${container.id}`
    namespaces.set(netns, namespaces.get(netns) ?? [])
    const ask = {
      ...{ pod: { namespace: 'default', name: container.id }, podUid: container.id, nic, containerID: container.id },
      ...{ conf: { ipv4: ['small'], ipv6: [] }, cleanGateway: false, families: [4 as const] },
      features: { statefulSet: true, kubevirt: true, subnets: true },
      ...{ agentNamespace: 'x', clusterNetwork: '' },
    }
    const host = { name: 'here', netns, isGone: (mark: string) => !namespaces.has(mark) }
    const deps = { store: world.port(process), journal: this.journal(container, nic), random: world.schedule.random }
    const granted = await addContainer(ask, { container, host }, deps)
    const got = granted.nic.ipv4 ?? ''
    for (const [other, used] of namespaces)
      if (used.includes(got)) this.broken.push(`${got} is used in ${other} and ${netns}`)
    const used = namespaces.get(netns)
    if (used) namespaces.set(netns, [...used, got])
    return [got]
  }

  async remove(container: ContainerIdentity, process: Process, nic = 'eth0'): Promise<void> {
    this.namespaces.delete(`netns of ${container.id}`)
    await releaseNic({ container, nic }, { store: this.world.port(process), journal: this.journal(container, nic) })
  }

  private journal = ({ id }: ContainerIdentity, nic: string) => this.world.journal(`${id}_${nic}`)
}

const containerOf = (id: string, ip?: Ip): ContainerIdentity => ({ id, name: id, ip })

interface Stage {
  readonly world: World
  readonly machine: Machine
  readonly calm: Process
  run(work: Promise<unknown>, killRate?: number): Promise<void>
}

function stage(seed: number): Stage {
  const schedule = new Schedule(seed)
  const world = new World(schedule, [pool])
  return {
    ...{ world, machine: new Machine(world), calm: { killed: false, onKill: () => undefined } },
    async run(work, killRate = 0) {
      let isOver = false
      const watched = work.finally(() => (isOver = true))
      await Promise.all([watched, schedule.run(killRate, () => isOver)])
    },
  }
}

/**
 * Half of the containers get DEL; of the others, and of killed ADDs, only the namespace is removed.
 */
function life({ machine, world }: Stage, at: number): Promise<void> {
  const container = containerOf(`c${at}`)
  return new Promise(resolve => {
    const process: Process = { killed: false, onKill: () => (machine.namespaces.delete(`netns of c${at}`), resolve()) }
    const whole = async (): Promise<void> => {
      await machine.add(container, process).catch(() => undefined) // the pool may be full
      if (world.schedule.random() < 0.5) await machine.remove(container, process)
      else machine.namespaces.delete(`netns of c${at}`)
    }
    void whole().then(resolve, resolve)
  })
}

t.test('addContainer() allocates no address twice, and the whole pool once the namespaces are gone', async t => {
  const wrong: string[] = []
  for (const seed of SEEDS) {
    const now = stage(seed)
    const { machine, world, calm, run } = now
    await run(Promise.all(Array.from({ length: 12 }, (_, at) => life(now, at))), 0.03)
    machine.namespaces.clear()
    const names = Array.from({ length: SIZE }, (_, at) => containerOf(`last${at}`))
    await run(Promise.all(names.map(container => machine.add(container, calm)))).catch((error: unknown) =>
      wrong.push(`seed ${seed}: ${String(error)}`),
    )
    await run(Promise.all(names.map(container => machine.remove(container, calm))))
    const left = [...world.addresses.objects.keys()].filter(key => key.includes('last'))
    wrong.push(...[...machine.broken, ...left].map(text => `seed ${seed}: ${text}`))
    if (world.addresses.objects.size > 0) wrong.push(`seed ${seed}: ${world.addresses.objects.size} addresses left`)
  }
  t.strictSame(wrong, [])
})

t.test('addContainer() on a full pool releases nothing of a live namespace, and a record with its address', async t => {
  const { machine, world, calm, run } = stage(1)
  const names = ['a', 'b', 'c', 'd'].map(id => containerOf(id))
  await run(Promise.all(names.map(container => machine.add(container, calm))))
  await t.rejects(run(machine.add(containerOf('e'), calm)), /used out in pool small/)
  t.equal(world.addresses.objects.size, SIZE)
  machine.namespaces.delete('netns of b')
  await run(machine.add(containerOf('e'), calm))
  t.strictSame([...world.addresses.objects.values()].map(({ spec }) => spec.containerID).sort(), ['a', 'c', 'd', 'e'])
  t.strictSame([...world.endpoints.objects.keys()].sort(), ['default/a', 'default/c', 'default/d', 'default/e'])
})

t.test('addContainer() allocates or refuses a requested address; releaseNic() releases one NIC', async t => {
  const { machine, world, calm, run } = stage(2)
  const wanted = (id: string, ip: string) => containerOf(id, ip as Ip)
  await run(machine.add(wanted('a', '10.1.0.3'), calm))
  t.strictSame([...world.addresses.objects.keys()], ['/10.1.0.3'])
  await t.rejects(run(machine.add(wanted('b', '10.1.0.3'), calm)), {
    message: /IP=10\.1\.0\.3 of CNI_ARGS is held by Container a/,
  })
  await t.rejects(run(machine.add(wanted('b', '10.1.0.9'), calm)), { message: /is in no range of the pools/ })
  await run(machine.add(containerOf('a'), calm, 'eth1'))
  await run(machine.remove(containerOf('a'), calm, 'eth0'))
  t.strictSame(
    [...world.addresses.objects.values()].map(({ spec }) => spec.nic),
    ['eth1'],
  )
  t.equal(world.endpoints.objects.size, 1)
  await run(machine.remove(containerOf('a'), calm, 'eth1'))
  t.equal(world.addresses.objects.size + world.endpoints.objects.size, 0)
})
