// The other verbs of the real program on a real kernel: repeated, late, with what they need gone.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import t from 'tap'
import { temporaryName } from '../../../plugins/macvlan-wrapper/plan.js'
import { GATEWAY, openNetwork } from '../../fixtures/netns.js'

const folder = mkdtempSync(`${tmpdir()}/macvlan-`)
const network = openNetwork()
t.teardown(() => {
  network.close()
  rmSync(folder, { recursive: true })
})
const { node, call } = network

const ipam = {
  type: 'static',
  addresses: [{ address: '10.6.0.5/16', gateway: GATEWAY.v4 }],
  routes: [{ dst: '0.0.0.0/0' }, { dst: '10.9.0.0/16', gw: '10.6.0.3' }],
}
const conf = (more: object = {}) => ({
  cniVersion: '1.0.0',
  name: 'net',
  type: 'macvlan',
  master: 'eth0',
  ipam,
  ...more,
})
const DONE = { status: 0, stdout: '' }

t.test('ADD twice fails and leaves the first interface', async t => {
  const pod = network.pod()
  t.equal((await call({ verb: 'ADD', conf: conf(), pod })).status, 0)
  const before = pod.sh('ip addr show eth0; ip route')
  const again = await call({ verb: 'ADD', conf: conf(), pod })
  t.match(again, { status: 1, json: { code: 999, msg: 'failed to rename macvlan to "eth0": file exists' } })
  t.equal(pod.sh('ip addr show eth0; ip route'), before)
  t.strictSame(pod.links(), ['eth0'])
})

t.test('DEL is idempotent, also without namespace or master', async t => {
  const pod = network.pod()
  t.equal((await call({ verb: 'ADD', conf: conf(), pod })).status, 0)
  t.match(await call({ verb: 'DEL', conf: conf({ master: 'gone' }), pod }), DONE, 'the master need not be there')
  t.strictSame(pod.links(), [])
  t.match(await call({ verb: 'DEL', conf: conf(), pod }), DONE)
  t.match(await call({ verb: 'DEL', conf: conf(), pod: '' }), DONE, 'no CNI_NETNS')
  t.match(await call({ verb: 'DEL', conf: conf(), pod: '/run/netns/gone' }), DONE)
  t.match(
    await call({ verb: 'DEL', conf: conf({ mode: 'nonsense', mtu: 99999 }), pod }),
    DONE,
    'a conf that ADD would refuse',
  )
})

t.test('ADD and DEL remove the leftover of a killed ADD', async t => {
  const pod = network.pod()
  const left = temporaryName({ containerID: 'c1', ifName: 'eth0' })
  const leave = () => node.sh(`ip link add ${left} link eth0 netns ${pod.name} type macvlan mode bridge`)
  leave()
  t.equal((await call({ verb: 'ADD', conf: conf(), pod })).status, 0)
  t.strictSame(pod.links(), ['eth0'])
  leave()
  t.match(await call({ verb: 'DEL', conf: conf(), pod }), DONE)
  t.strictSame(pod.links(), [])
})

t.test('DEL deletes the link also if the IPAM fails, and returns that error', async t => {
  writeFileSync(
    `${folder}/broken`,
    '#!/bin/sh\n[ $CNI_COMMAND = ADD ] && echo \'{"ips":[{"address":"10.6.0.9/16"}]}\' && exit 0\necho \'{"code":11,"msg":"lease server away"}\'; exit 1\n',
  )
  chmodSync(`${folder}/broken`, 0o755)
  const pod = network.pod()
  const broken = conf({ ipam: { type: 'broken' } })
  t.equal((await call({ verb: 'ADD', conf: broken, pod, path: folder })).status, 0)
  t.match(await call({ verb: 'DEL', conf: broken, pod, path: folder }), {
    status: 1,
    json: { code: 11, msg: 'lease server away' },
  })
  t.strictSame(pod.links(), [])
})

t.test('CHECK succeeds after ADD, and names later changes', async t => {
  const pod = network.pod()
  const added = await call({ verb: 'ADD', conf: conf(), pod })
  t.equal(added.status, 0)
  const checked = (more: object = {}) => call({ verb: 'CHECK', conf: conf({ prevResult: added.json, ...more }), pod })
  t.match(await checked(), DONE)
  t.match(await call({ verb: 'CHECK', conf: conf(), pod }), {
    status: 1,
    json: { code: 7, msg: 'required prevResult missing' },
  })
  const drifts: readonly [drift: string, back: string, msg: string | RegExp][] = [
    [
      'ip route del 10.9.0.0/16',
      'ip route add 10.9.0.0/16 via 10.6.0.3',
      /^Expected Route .*10\.9\.0\.0\/16.* not found in routing table$/,
    ],
    [
      'ip route del default',
      `ip route add default via ${GATEWAY.v4}`,
      /^Expected Route .*0\.0\.0\.0\/0.* not found in routing table$/,
    ],
    [
      'ip addr add 10.6.0.4/16 dev eth0 && ip addr del 10.6.0.5/16 dev eth0',
      'ip addr add 10.6.0.5/16 dev eth0',
      'Failed to match addr 10.6.0.5/16 on interface eth0',
    ],
  ]
  for (const [drift, back, msg] of drifts) {
    pod.sh(drift)
    t.match(await checked(), { status: 1, json: { code: 999, msg } }, drift)
    pod.sh(`${back} || true`)
  }
  t.match(await checked({ mode: 'vepa' }), {
    json: { msg: 'container macvlan mode bridge does not match expected value: vepa' },
  })
  t.match(await checked({ master: 'gone' }), { status: 1, json: { msg: /Link not found/ } })
  const [nic] = (added.json as { interfaces: { mac: string; sandbox: string }[] }).interfaces
  const other = (change: object) =>
    checked({ prevResult: { ...(added.json as object), interfaces: [{ ...nic, ...change }] } })
  t.match(await other({ mac: '0a:00:00:00:00:09' }), {
    json: { msg: `interface eth0 Mac 0a:00:00:00:00:09 doesn't match container Mac: ${nic?.mac}` },
  })
  t.match(await other({ sandbox: '/run/netns/x' }), {
    json: { msg: `sandbox in prevResult /run/netns/x doesn't match configured netns: ${pod.path}` },
  })
  pod.sh('ip link del eth0 && ip link add eth0 type veth peer name eth1')
  t.match(await checked(), { json: { msg: 'error: Container interface eth0 not of type macvlan' } })
})

t.test('CHECK ignores additional addresses and routes', async t => {
  const pod = network.pod()
  const added = await call({ verb: 'ADD', conf: conf(), pod })
  pod.sh(
    'ip addr add 192.0.2.1/24 dev eth0 && ip route add 198.51.100.0/24 dev eth0 && ip rule add from 10.6.0.5 lookup 100',
  )
  t.match(await call({ verb: 'CHECK', conf: conf({ prevResult: added.json }), pod }), DONE)
})

t.test('STATUS fails with 50 for a missing master', async t => {
  const status = (more: object) =>
    call({ verb: 'STATUS', conf: conf({ cniVersion: '1.1.0', ipam: {}, ...more }), pod: '' })
  t.match(await status({}), DONE)
  t.match(await status({ master: 'gone' }), {
    status: 1,
    json: {
      code: 50,
      msg: 'cannot create a macvlan: Link not found',
      details: 'master "gone" is no interface of this node',
    },
  })
  t.match(await status({ linkInContainer: true, master: 'gone' }), DONE, 'not known before ADD')
  t.match(await status({ cniVersion: '1.0.0' }), { json: { code: 1, msg: 'config version does not allow STATUS' } })
})

t.test('GC delegates to the IPAM executable', async t => {
  writeFileSync(`${folder}/swept`, `#!/bin/sh\ncat > ${folder}/swept.$CNI_COMMAND\n`)
  chmodSync(`${folder}/swept`, 0o755)
  const gc = {
    verb: 'GC',
    conf: conf({ cniVersion: '1.1.0', ipam: { type: 'swept' }, 'cni.dev/valid-attachments': [] }),
    pod: '',
    path: folder,
  }
  t.match(await call(gc), DONE)
  t.match(await call({ ...gc, conf: conf({ cniVersion: '1.1.0', ipam: { type: 'nowhere' } }) }), {
    status: 1,
    json: { msg: /failed to find plugin "nowhere"/ },
  })
})

t.test('ADD rejects the plugin’s own namespace', async t => {
  const refused = await call({ verb: 'ADD', conf: conf(), pod: `/run/netns/${node.name}` })
  t.match(refused, {
    status: 1,
    json: { code: 8, msg: "plugin's netns and netns from CNI_NETNS should not be the same" },
  })
  t.strictSame(node.links(), ['eth0'])
})
