// What ifacer answers on success: prevResult as it came, in every version of CNI; nothing of its
// own. A conf that makes nothing needs no kernel.
import t from 'tap'
import { outcomeOf } from '../../../lib/cni/plugin.js'
import { plugin } from '../../../plugins/ifacer/main.js'

const env = (verb: string) => ({
  CNI_COMMAND: verb,
  CNI_CONTAINERID: 'c',
  CNI_NETNS: '/n',
  CNI_IFNAME: 'net1',
  CNI_PATH: '/',
})
const answer = (verb: string, conf: object) =>
  outcomeOf(plugin, {
    env: env(verb),
    readStdin: () => JSON.stringify({ name: 'n', type: 'ifacer', interfaces: ['eth0'], ...conf }),
    sameNetns: () => false,
  })

const old = {
  ip4: { ip: '10.7.0.20/16', gateway: '10.7.0.1', routes: [{ dst: '0.0.0.0/0', gw: '10.7.0.1' }] },
  dns: {},
}
const nic = { name: 'net1', mac: '0a:1b:2c:00:00:01', sandbox: '/var/run/netns/cni-1' }
const ips = [{ interface: 0, address: '10.7.0.20/16', gateway: '10.7.0.1' }]
const routes = [{ dst: '0.0.0.0/0', gw: '10.7.0.1' }]
const middle = { interfaces: [nic], ips: [{ version: '4', ...ips[0] }], routes, dns: {} }
const newer = { interfaces: [nic], ips, routes }
const newest = {
  interfaces: [{ ...nic, mtu: 1400, socketPath: '/s', pciID: '0000:00:1f.0' }],
  ips,
  routes: [{ ...routes[0], mtu: 1300, advmss: 1200, priority: 5, table: 101, scope: 0 }],
}
const results: readonly [version: string, prevResult: object][] = [
  ['0.1.0', old],
  ['0.2.0', old],
  ['0.3.0', middle],
  ['0.3.1', middle],
  ['0.4.0', middle],
  ['1.0.0', newer],
  ['1.1.0', newest],
]
for (const [cniVersion, result] of results)
  t.test(`ADD returns prevResult of ${cniVersion} unchanged`, async t => {
    const prevResult = { cniVersion, ...result }
    const { exitCode, stdout } = await answer('ADD', { cniVersion, prevResult })
    t.equal(exitCode, 0)
    t.strictSame(JSON.parse(stdout), prevResult)
  })

for (const [cniVersion] of results.slice(2))
  t.test(`ADD without prevResult returns an empty result in ${cniVersion}`, async t => {
    const { exitCode, stdout } = await answer('ADD', { cniVersion })
    t.equal(exitCode, 0)
    t.match(JSON.parse(stdout), { cniVersion })
    t.strictSame(
      Object.keys(JSON.parse(stdout) as object).filter(key => key !== 'dns'),
      ['cniVersion'],
    )
  })

for (const cniVersion of ['0.1.0', '0.2.0'])
  t.test(`ADD fails in ${cniVersion}, which has no empty result`, async t => {
    const { exitCode, stdout } = await answer('ADD', { cniVersion })
    t.equal(exitCode, 1)
    t.match(JSON.parse(stdout), { msg: 'cannot convert: no valid IP addresses' })
  })

t.test('CHECK of a conf without links succeeds and prints nothing', async t => {
  const prevResult = { cniVersion: '1.0.0', ...newer }
  t.match(await answer('CHECK', { cniVersion: '1.0.0', prevResult }), { exitCode: 0, stdout: '' })
})
