// The controller killed repeatedly while applications are created, scaled and deleted: the next one
// continues, and no address is in two pools.
import t, { type Test } from 'tap'
import { controlledOf } from '../../../lib/crd/controlled.js'
import { intersect, rangesOf, sizeOf } from '../../../lib/ip/range.js'
import { eventually, startController } from '../../fixtures/controller.js'
import { startApiserver } from '../../fixtures/apiserver.js'
import { openCluster } from '../../fixtures/cluster.js'
import { openSubnets } from '../../fixtures/subnets.js'

const APPLICATIONS = 30
const KILLS = 6
const PAUSE_MS_MAX = 150

const server = await startApiserver()
const stage = openSubnets(openCluster(server.kubeconfig), server.kubeconfig)
const env = {
  SPIDERPOOL_LEADER_DURATION: '3',
  SPIDERPOOL_LEADER_RENEW_DEADLINE: '2',
  SPIDERPOOL_LEADER_RETRY_PERIOD: '1',
}
const start = (at: number) => startController(server.kubeconfig, { name: `killed-${at}`, env })
let controller = await start(0)
t.teardown(async () => {
  await controller.end('SIGKILL')
  stage.close()
  await server.stop()
})

/** The invariants; returns sizes by pool. */
async function sizes(t: Test): Promise<ReadonlyMap<string, bigint>> {
  const pools = await stage.poolsOf('lan')
  const ranges = pools.map(({ spec }) => rangesOf(spec.ips ?? [], 4))
  for (const [at, a] of ranges.entries())
    for (const b of ranges.slice(at + 1)) if (intersect(a, b).length > 0) t.fail('two pools overlap')
  return new Map(pools.map(({ metadata }, at) => [metadata.name, sizeOf(ranges[at] ?? [])]))
}

t.test('a controller killed between any two writes leaves a state that the next one completes', async t => {
  await stage.make('lan', { subnet: '172.29.0.0/16', ips: ['172.29.1.0-172.29.2.255'] })
  const work = (async () => {
    for (let at = 0; at < APPLICATIONS; at++) {
      await stage.deploy(`app${at}`, 2 + (at % 5), { 'ipam.spidernet.io/subnet': '{"ipv4":["lan"]}' })
      if (at % 3 === 0) await stage.scale(`app${at}`, 7)
      if (at % 5 === 4) await stage.undeploy(`app${at}`)
    }
  })()
  for (let kill = 1; kill <= KILLS; kill++) {
    await controller.said('started leading', 20_000)
    await new Promise(resolve => setTimeout(resolve, Math.random() * PAUSE_MS_MAX))
    await controller.end('SIGKILL')
    await sizes(t)
    controller = await start(kill)
  }
  await work
  const wanted = new Map(
    Array.from(
      { length: APPLICATIONS },
      (_, at) => [`app${at}`, BigInt(at % 3 === 0 ? 7 : 2 + (at % 5))] as const,
    ).filter(([, _], at) => at % 5 !== 4),
  )
  const isAsWanted = async (): Promise<true | undefined> => {
    const found = await sizes(t)
    const byApp = new Map([...found].map(([name, size]) => [name.split('-')[1] ?? '', size]))
    return byApp.size === wanted.size && [...wanted].every(([app, size]) => byApp.get(app) === size) ? true : undefined
  }
  t.ok(await eventually(isAsWanted, 60_000), 'everyone has its number')
  const total = [...wanted.values()].reduce((sum, size) => sum + size, 0n)
  const isCounted = async (): Promise<true | undefined> => {
    const status = (await stage.subnet('lan'))?.status
    const records = [...controlledOf(status?.controlledIPPools, 4).values()]
    const sum = records.reduce((all, { ranges }) => all + sizeOf(ranges), 0n)
    return sum === total && Number(total) === status?.allocatedIPCount ? true : undefined
  }
  t.ok(await eventually(isCounted, 30_000), 'and the subnet counts them')
})
