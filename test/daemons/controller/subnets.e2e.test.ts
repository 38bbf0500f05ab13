// SpiderSubnets by the controller as a process: applications get pools, pods get addresses from them, and everything goes back.
import t from 'tap'
import type { SpiderIPPool, SpiderSubnet } from '../../../lib/crd/types.js'
import { SPIDER, type PodRef } from '../../fixtures/cluster.js'
import { eventually, startController } from '../../fixtures/controller.js'
import { first, openIpam } from '../../fixtures/ipam.js'
import { restOf } from '../../fixtures/rest.js'

const ipam = await openIpam()
const { cluster } = ipam
const rest = restOf(ipam.kubeconfig)
let controller = await startController(ipam.kubeconfig, { name: 'subnets' })
t.teardown(async () => {
  await controller.end('SIGTERM')
  rest.close()
  await ipam.stop()
})

async function must<T = object>(method: string, path: string, body?: object): Promise<T> {
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
  const answer = await rest.ask(method, path, { ...(body && { body }), headers: { 'content-type': type } })
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
  return answer.body as unknown as T
}

const apps = '/apis/apps/v1/namespaces/default'
const subnetNamed = (name: string): Promise<SpiderSubnet> => must('GET', `${SPIDER}/spidersubnets/${name}`)
const makeSubnet = (name: string, spec: object): Promise<object> =>
  must('POST', `${SPIDER}/spidersubnets`, {
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderSubnet',
    metadata: { name },
    spec,
  })

const poolsOf = async (subnet: string): Promise<readonly SpiderIPPool[]> => {
  const all = (await cluster.api.items(`${SPIDER}/spiderippools`)) as unknown as readonly SpiderIPPool[]
  return all.filter(({ metadata }) => metadata.labels?.['ipam.spidernet.io/owner-spider-subnet'] === subnet)
}

/** The pools' ranges, once they are these. */
const pools = (subnet: string, shall: readonly (readonly string[])[]) =>
  eventually(async () => {
    const found = await poolsOf(subnet)
    const ips = found.map(({ spec }) => spec.ips ?? []).sort()
    return JSON.stringify(ips) === JSON.stringify(shall) ? found : undefined
  })

interface Made {
  readonly uid: string
  readonly set: string
}

/** What a cluster's own controllers would make of a Deployment: a ReplicaSet, whose pods are made by `podOf`. */
async function deployment(
  name: string,
  replicas: number,
  annotations: Readonly<Record<string, string>>,
): Promise<Made> {
  const labels = { app: name }
  const template = { metadata: { labels, annotations }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  const spec = { replicas, selector: { matchLabels: labels }, template }
  const made = await must<{ metadata: { uid: string } }>('POST', `${apps}/deployments`, {
    ...{ apiVersion: 'apps/v1', kind: 'Deployment' },
    metadata: { name },
    spec,
  })
  const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name, uid: made.metadata.uid, controller: true }
  const set = await must<{ metadata: { uid: string } }>('POST', `${apps}/replicasets`, {
    ...{ apiVersion: 'apps/v1', kind: 'ReplicaSet' },
    metadata: { name: `${name}-rs`, ownerReferences: [owner] },
    spec,
  })
  return { uid: made.metadata.uid, set: set.metadata.uid }
}

const podOf = (
  name: string,
  app: string,
  { set }: Made,
  annotations: Readonly<Record<string, string>>,
): Promise<PodRef> =>
  cluster.pod(name, annotations, {
    labels: { app },
    owner: { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${app}-rs`, uid: set },
  })

const scale = (name: string, replicas: number): Promise<object> =>
  must('PATCH', `${apps}/deployments/${name}`, { spec: { replicas } })

t.test('a Deployment gets a pool out of the subnet, as long as it is there', async t => {
  await makeSubnet('lan', { subnet: '172.22.0.0/16', ips: ['172.22.1.10-172.22.1.20'], gateway: '172.22.0.1' })
  const annotations = {
    'ipam.spidernet.io/subnet': '{"ipv4":["lan"]}',
    'ipam.spidernet.io/ippool-ip-number': '+1',
  }
  const web = await deployment('web', 2, annotations)
  const [pool] = (await pools('lan', [['172.22.1.10-172.22.1.12']])) ?? []
  const name = `auto4-web-eth0-${web.uid.split('-').at(-1)?.slice(0, 5)}`
  t.match(pool, {
    metadata: {
      name,
      labels: {
        'ipam.spidernet.io/ippool-cidr': '172-22-0-0-16',
        'ipam.spidernet.io/owner-spider-subnet': 'lan',
        'ipam.spidernet.io/owner-application-gv': 'apps_v1',
        'ipam.spidernet.io/owner-application-kind': 'Deployment',
        'ipam.spidernet.io/owner-application-namespace': 'default',
        'ipam.spidernet.io/owner-application-name': 'web',
        'ipam.spidernet.io/owner-application-uid': web.uid,
        'ipam.spidernet.io/interface': 'eth0',
        'ipam.spidernet.io/ip-version': 'IPv4',
        'ipam.spidernet.io/ippool-reclaim': 'true',
      },
      annotations: { 'ipam.spidernet.io/ippool-ip-number': '+1' },
      ownerReferences: [{ kind: 'SpiderSubnet', name: 'lan', controller: true, blockOwnerDeletion: true }],
    },
    spec: { subnet: '172.22.0.0/16', gateway: '172.22.0.1' },
  })
  t.match((await subnetNamed('lan')).status, {
    controlledIPPools: `{"${name}":{"ips":["172.22.1.10-172.22.1.12"],"application":"apps_v1_Deployment_default_web"}}`,
    totalIPCount: 11,
    allocatedIPCount: 3,
  })

  const pod = await podOf('web-1', 'web', web, annotations)
  const sandbox = ipam.sandbox(pod)
  const answer = await sandbox.add()
  t.match(first(answer), /^172\.22\.1\.1[0-2]\/16$/, JSON.stringify(answer))
  t.match(await cluster.addresses(name), [{ spec: { pod: { name: 'web-1' } } }])

  await scale('web', 5)
  t.ok(await pools('lan', [['172.22.1.10-172.22.1.15']]), 'it grows')
  await scale('web', 0)
  const held = first(answer).replace('/16', '')
  t.ok(await pools('lan', [[held]]), 'it shrinks, and keeps what a pod holds')
  t.equal((await subnetNamed('lan')).status?.allocatedIPCount, 1)

  await must('DELETE', `${apps}/deployments/web`)
  const isEnding = async (): Promise<true | undefined> =>
    (await poolsOf('lan'))[0]?.metadata.deletionTimestamp === undefined ? undefined : true
  t.ok(await eventually(isEnding), 'the pool goes with it, and waits for its last address')
  await sandbox.del() // its pod went with the ReplicaSet
  t.ok(await pools('lan', []))
  const isBack = async (): Promise<SpiderSubnet['status'] | undefined> => {
    const { status } = await subnetNamed('lan')
    return status?.allocatedIPCount === 0 ? status : undefined
  }
  t.strictSame(await eventually(isBack), { totalIPCount: 11, allocatedIPCount: 0 })
})
