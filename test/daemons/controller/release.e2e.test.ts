// Pods that are gone from a ready node: their DEL releases their addresses, and address GC only
// what no DEL released.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { startApiserver } from '../../fixtures/apiserver.js'
import { containerId, openCluster, type PodRef } from '../../fixtures/cluster.js'
import { eventually, startController } from '../../fixtures/controller.js'
import { cniEnv, runExecutable } from '../../fixtures/executable.js'
import { must } from '../../fixtures/netns.js'
import { restOf } from '../../fixtures/rest.js'

const PODS = 5
/** Longer than the DELs of a few pods take on a busy machine. */
const GRACE_S = 12
const server = await startApiserver({ args: ['--no-embedded-controller'] })
const cluster = openCluster(server.kubeconfig)
const rest = restOf(server.kubeconfig)
const folder = mkdtempSync(join(tmpdir(), 'release-'))
const netns = `release${process.pid}`
must(`ip netns add ${netns}`)
t.teardown(async () => {
  rest.close()
  await server.stop()
  must(`ip netns del ${netns}`)
  rmSync(folder, { recursive: true })
})

const stdin = JSON.stringify({
  ...{ cniVersion: '1.0.0', name: 'release', type: 'any' },
  ipam: { type: 'spiderpool', kubeconfig: server.kubeconfig, log_file_path: join(folder, 'log') },
})
async function call(verb: string, pod: PodRef, containerID: string): Promise<void> {
  const env = cniEnv({ verb, containerID, netns: `/run/netns/${netns}`, ifName: 'eth0', pod })
  const { status, stdout } = await runExecutable({ name: 'spiderpool-ipam', env, stdin })
  if (status !== 0) throw new Error(`${verb}: ${stdout}`)
}

const writesTo = (metrics: string, resource: string): number =>
  [...metrics.matchAll(/^spiderpool_controller_write_counts\{([^}]*)\} (\d+)$/gm)]
    .filter(([, labels = '']) => labels.includes(`resource="${resource}"`))
    .reduce((sum, [, , count = '0']) => sum + Number(count), 0)

t.test(
  'address GC leaves addresses to the DEL of a ready node, and releases what no DEL released',
  { timeout: 200_000 },
  async t => {
    await cluster.pool('release', { subnet: '10.61.0.0/16', ips: ['10.61.0.1-10.61.0.50'] })
    const node = { metadata: { name: 'n1' }, status: { conditions: [{ type: 'Ready', status: 'True' }] } }
    const made = await rest.ask('POST', '/api/v1/nodes', { body: node })
    await rest.ask('PUT', '/api/v1/nodes/n1/status', { body: { ...made.body, ...{ status: node.status } } })
    const controller = await startController(server.kubeconfig, {
      name: 'release',
      env: { SPIDERPOOL_GC_RELEASE_GRACE: `${GRACE_S}` },
    })
    t.teardown(() => controller.end('SIGTERM'))
    await controller.said('started leading')
    const pods: (readonly [PodRef, string])[] = []
    for (let at = 0; at <= PODS; at++) {
      const pod = await cluster.pod(`p${at}`, { 'ipam.spidernet.io/ippool': '{"ipv4":["release"]}' })
      const id = containerId()
      await call('ADD', pod, id)
      pods.push([pod, id])
    }
    const began = Date.now()
    for (const [pod] of pods) await cluster.removePod(pod)
    await new Promise(resolve => setTimeout(resolve, 3_000)) // longer than address GC waits between two observations
    for (const [pod, id] of pods.slice(1)) await call('DEL', pod, id)
    t.equal((await cluster.addresses('release')).length, 1)
    t.equal((await cluster.endpoints()).length, 1)
    const metrics = await controller.metrics()
    t.equal(writesTo(metrics, 'spideripaddresses'), 0, 'the controller deleted no address that a DEL was about to')
    t.equal(writesTo(metrics, 'spiderendpoints'), 0)
    const isFree = async (): Promise<true | undefined> =>
      (await cluster.addresses('release')).length === 0 ? true : undefined
    t.ok(await eventually(isFree, 60_000), 'the one without a DEL')
    t.ok(Date.now() - began >= GRACE_S * 1000, 'after the grace')
    t.ok(await eventually(async () => ((await cluster.endpoints()).length === 0 ? true : undefined), 60_000))
  },
)
