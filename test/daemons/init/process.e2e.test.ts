// spiderpool-init as a process: first run, second run, and rejected objects.
import t from 'tap'
import { NO_CONTROLLER, startApiserver } from '../../fixtures/apiserver.js'
import { runExecutable } from '../../fixtures/executable.js'
import { restOf } from '../../fixtures/rest.js'
import { SPIDER } from '../../fixtures/cluster.js'

const server = await startApiserver()
const rest = restOf(server.kubeconfig)
t.teardown(async () => {
  rest.close()
  await server.stop()
})
const env = {
  KUBECONFIG: server.kubeconfig,
  SPIDERPOOL_INIT_DEFAULT_COORDINATOR_NAME: 'default',
  SPIDERPOOL_INIT_DEFAULT_COORDINATOR_POD_CIDR_TYPE: 'auto',
  SPIDERPOOL_INIT_DEFAULT_IPV4_IPPOOL_NAME: 'default-v4',
  SPIDERPOOL_INIT_DEFAULT_IPV4_IPPOOL_SUBNET: '10.6.0.0/16',
  SPIDERPOOL_INIT_DEFAULT_IPV4_IPPOOL_IPRANGES: '["10.6.0.10-10.6.0.20"]',
  SPIDERPOOL_INIT_ENABLE_MULTUS_CONFIG: 'true',
  SPIDERPOOL_INIT_DEFAULT_CNI_NAMESPACE: 'kube-system',
  SPIDERPOOL_INIT_DEFAULT_CNI_NAME: 'cluster-default',
}
const run = (more: object = {}) => runExecutable({ name: 'spiderpool-init', env: { ...env, ...more } })

t.test('spiderpool-init creates the objects, and a second run changes nothing', async t => {
  const first = await run()
  t.equal(first.status, 0, first.stderr)
  const pool = await rest.ask('GET', `${SPIDER}/spiderippools/default-v4`)
  t.match(pool.body, { spec: { subnet: '10.6.0.0/16', ips: ['10.6.0.10-10.6.0.20'], default: true } })
  t.equal((await rest.ask('GET', `${SPIDER}/spidercoordinators/default`)).status, 200)
  const multus = await rest.ask('GET', `${SPIDER}/namespaces/kube-system/spidermultusconfigs/cluster-default`)
  t.match(multus.body, { spec: { cniType: 'custom' } })
  const second = await run({ SPIDERPOOL_INIT_DEFAULT_IPV4_IPPOOL_IPRANGES: '["10.6.0.99"]' })
  t.equal(second.status, 0)
  t.match(second.stdout, /SpiderIPPool default-v4 exists already and is left unchanged/)
  t.match((await rest.ask('GET', `${SPIDER}/spiderippools/default-v4`)).body, {
    spec: { ips: ['10.6.0.10-10.6.0.20'] },
  })
})

const skip = server.own ? false : NO_CONTROLLER
t.test('spiderpool-init exits with a sentence when an object is rejected, without retries', { skip }, async t => {
  const more = { SPIDERPOOL_INIT_DEFAULT_IPV4_IPPOOL_NAME: 'bad', SPIDERPOOL_INIT_DEFAULT_IPV4_IPPOOL_SUBNET: 'ten' }
  const { status, stderr } = await run(more)
  t.equal(status, 1)
  t.match(stderr, /^spiderpool-init: .*ten/)
})
