// 300 applications of one SpiderSubnet, a /64: their pools created, one more, all deleted.
import { readFileSync } from 'node:fs'
import { peakMb, start, together, until } from './controller.js'
import { median, quantile, type Row } from './measure.js'
import { openServer, SPIDER, type Server } from './stage.js'

const APPLICATIONS = 300
const ONE_BY_ONE = 21
const TICKS_A_SECOND = 100 // USER_HZ, of /proc/PID/stat (proc(5))
const SPIDER_API = 'spiderpool.spidernet.io/v2beta1'
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments'

export async function subnets(): Promise<readonly Row[]> {
  const server = await openServer('--no-embedded-controller')
  try {
    await server.ask('POST', `${SPIDER}/spidersubnets`, {
      ...{ apiVersion: SPIDER_API, kind: 'SpiderSubnet', metadata: { name: 'lan' } },
      spec: { subnet: 'fd00::/64', ips: ['fd00::1-fd00::ffff:ffff:ffff:fffe'] },
    })
    await together(APPLICATIONS, at => deploy(server, `app-${at}`))
    const running = await start(server)
    try {
      const rows = [...(await atOnce(server, running)), ...(await singly(server, running)), await allGone(server)]
      return [...rows, { what: 'largest resident set', value: peakMb(running.pid), unit: 'MB', bound: '≤ 250 MB' }]
    } finally {
      await running.stop()
    }
  } finally {
    await server.close()
  }
}

type Running = Awaited<ReturnType<typeof start>>

async function atOnce(server: Server, running: Running): Promise<readonly Row[]> {
  await until(async () => (await poolsOf(server)) === APPLICATIONS)
  const madeMs = performance.now() - running.startedMs
  return [
    { what: `start to ${APPLICATIONS} pools`, value: madeMs / 1000, unit: 's' },
    { what: 'CPU until then', value: cpuSeconds(running.pid), unit: 's' },
    { what: 'writes until then', value: await running.metric('spiderpool_controller_write_counts') },
    {
      what: 'of these to the subnet',
      value: await running.metric('spiderpool_controller_write_counts{verb="patch",resource="spidersubnets"}'),
    },
  ]
}

async function singly(server: Server, { pid }: Running): Promise<readonly Row[]> {
  const before = cpuSeconds(pid)
  const single: number[] = []
  for (let at = 0; at < ONE_BY_ONE; at++) single.push(await poolAfter(server, `one-${at}`))
  return [
    { what: 'one more application: its pool exists, median', value: median(single), unit: 'ms' },
    { what: 'one more application: its pool exists, slowest', value: quantile(single, 1), unit: 'ms' },
    { what: 'CPU for each of these', value: ((cpuSeconds(pid) - before) / ONE_BY_ONE) * 1000, unit: 'ms' },
  ]
}

async function allGone(server: Server): Promise<Row> {
  await together(APPLICATIONS, at => server.ask('DELETE', `${DEPLOYMENTS}/app-${at}`))
  const goneAt = performance.now()
  await until(async () => (await poolsOf(server)) === ONE_BY_ONE)
  const goneS = (performance.now() - goneAt) / 1000
  return { what: `${APPLICATIONS} applications deleted: all pools gone`, value: goneS, unit: 's' }
}

const deploy = ({ ask }: Server, name: string): Promise<unknown> =>
  ask('POST', DEPLOYMENTS, {
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace: 'default' } },
    spec: {
      replicas: 10,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name }, annotations: { 'ipam.spidernet.io/subnet': '{"ipv6":["lan"]}' } },
        spec: { containers: [{ name: 'c', image: 'i' }] },
      },
    },
  })

async function poolAfter(server: Server, name: string): Promise<number> {
  await deploy(server, name)
  const beganMs = performance.now()
  const selector = encodeURIComponent(`ipam.spidernet.io/owner-application-name=${name}`)
  await until(async () => (await poolsOf(server, `?labelSelector=${selector}`)) === 1, 5)
  return performance.now() - beganMs
}

async function poolsOf({ ask }: Server, query = ''): Promise<number> {
  return (await ask<{ items: readonly unknown[] }>('GET', `${SPIDER}/spiderippools${query}`)).items.length
}

/** User and system time of the process so far. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND
}
