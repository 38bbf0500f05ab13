// STATUS of the IPAM: its errors and its API requests.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import t from 'tap'
import { startApiserver } from '../fixtures/apiserver.js'
import { openCluster, SPIDER } from '../fixtures/cluster.js'
import { runExecutable } from '../fixtures/executable.js'
import { startFaulty, type Passed } from '../fixtures/faulty-apiserver.js'

const server = await startApiserver()
const cluster = openCluster(server.kubeconfig)
const proxy = await startFaulty(server.kubeconfig)
const folder = mkdtempSync(`${tmpdir()}/status-`)
t.teardown(async () => {
  await proxy.stop()
  await server.stop()
  rmSync(folder, { recursive: true })
})
mkdirSync('/run/spidernet', { recursive: true })
mkdirSync(`${folder}/run`)

const askedOf = ({ method, path, isOfCache }: Passed): string =>
  `${method} ${path.replace(SPIDER, '')}${isOfCache === true ? '?resourceVersion=0' : ''}`

/** On its own node, without the remembered pool of another test's STATUS. */
async function status(ipam: object = {}): Promise<{ readonly json: unknown; readonly asked: readonly string[] }> {
  const before = proxy.passed.length
  const { json = {} } = await runExecutable({
    name: 'spiderpool-ipam',
    under: ['unshare', '-m', 'sh', '-c', `mount --bind ${folder}/run /run/spidernet && exec "$0"`],
    env: { CNI_COMMAND: 'STATUS', CNI_PATH: '/nowhere' },
    stdin: JSON.stringify({
      cniVersion: '1.1.0',
      name: 'lan',
      type: 'any',
      ipam: { type: 'spiderpool', kubeconfig: proxy.kubeconfig, log_file_path: `${folder}/log`, ...ipam },
    }),
  })
  return { json, asked: proxy.passed.slice(before).map(askedOf) }
}

const LIST = 'GET /spiderippools?resourceVersion=0'
const get = (name: string): string => `GET /spiderippools/${name}?resourceVersion=0`
const set = async (name: string, spec: object): Promise<void> => {
  const path = `${SPIDER}/spiderippools/${name}`
  const pool = (await cluster.api.read(path)) as unknown as { readonly spec: object }
  await cluster.api.replace(path, { ...pool, spec: { ...pool.spec, ...spec } } as never)
}
const refused = (msg: string): object => ({ code: 50, msg: `no address can be allocated: ${msg}` })

t.test(
  'STATUS fails with code 50 where no pool gives addresses, and lists pools only until it knows one that does',
  async t => {
    t.strictSame(await status(), {
      json: { ...refused('there is no SpiderIPPool; create one'), cniVersion: '1.1.0' },
      asked: [LIST],
    })
    await cluster.pool('a', { subnet: '10.71.0.0/24', ips: ['10.71.0.1'], disable: true })
    t.match((await status()).json, refused('no SpiderIPPool is usable: a is disabled (spec.disable)'))
    await cluster.pool('b', { subnet: '10.72.0.0/24', ips: ['10.72.0.1'] })
    t.strictSame(await status(), { json: {}, asked: [LIST] })
    t.strictSame(await status(), { json: {}, asked: [get('b')] }, 'one object of the cache from then on')
    t.match(
      (await status({ enableIPv4: false })).json,
      refused('no SpiderIPPool is usable: a is disabled (spec.disable); b is not of IPv6'),
    )
    await set('a', { disable: false })
    await set('b', { disable: true })
    t.strictSame(await status(), { json: {}, asked: [get('b'), LIST] })
    t.strictSame(await status(), { json: {}, asked: [get('a')] })
    await set('a', { disable: true })
    t.match((await status()).json, { code: 50 })
  },
)

t.test('STATUS reads the pools of the conf, and names conf and key', async t => {
  await cluster.pool('c', { subnet: '10.73.0.0/24', ips: ['10.73.0.1'] })
  t.strictSame(await status({ default_ipv4_ippool: ['b', 'c'] }), { json: {}, asked: [get('b'), get('c')] })
  const key = 'default_ipv4_ippool of CNI conf "lan"'
  t.match(
    (await status({ default_ipv4_ippool: ['a', 'b'] })).json,
    refused(`${key} (a, b) selects no usable pool: a is disabled (spec.disable); b is disabled (spec.disable)`),
  )
  t.match(
    (await status({ default_ipv4_ippool: ['c', 'nope'] })).json,
    refused(`${key} names SpiderIPPool "nope", which does not exist; create it or name another`),
  )
  t.strictSame(await status({ default_ipv4_ippool: ['c*'] }), { json: {}, asked: [LIST] }, 'a pattern')
  t.match((await status({ default_ipv4_ippool: ['x*'] })).json, refused(`${key} (x*) selects no usable pool`))
  t.strictSame((await status({ default_ipv6_ippool: ['nope'], enableIPv6: false })).json, {}, 'of a family that is off')
})
