// Routes of pools and pods: their interface, and a form that the kernel accepts.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import t from 'tap'
import { containerId } from '../fixtures/cluster.js'
import { BIN, cniEnv, runExecutable } from '../fixtures/executable.js'
import { openIpam } from '../fixtures/ipam.js'
import { must } from '../fixtures/netns.js'

const ipam = await openIpam()
const { cluster, name, sandbox, kubeconfig, netns } = ipam
const folder = mkdtempSync(`${tmpdir()}/routes-`)
const master = `rt${process.pid}`
must(`ip link add ${master} type veth peer name ${master}p && ip link set ${master} up && ip link set ${master}p up`)
t.teardown(async () => {
  must(`ip link del ${master}`)
  await ipam.stop()
  rmSync(folder, { recursive: true })
})

const KEY = 'ipam.spidernet.io'
const NET = { a: '10.230.0', b: '10.230.1' }
const hostBits = [{ dst: '10.9.0.5/16', gw: `${NET.b}.2` }]
const poolOf = async (net: string, more: object = {}): Promise<string> => {
  const full = name(`routes-${net.replaceAll('.', '-')}`)
  await cluster.pool(full, { subnet: `${net}.0/24`, ips: [`${net}.10-${net}.20`], gateway: `${net}.1`, ...more })
  return full
}
const a = await poolOf(NET.a)
const b = await poolOf(NET.b, { routes: hostBits })

t.test('ADD returns a route for the interface whose subnet has its gateway', async t => {
  const pod = await cluster.pod(name('route'), {
    [`${KEY}/ippools`]: JSON.stringify([
      { interface: 'eth0', ipv4: [a] },
      { interface: 'net1', ipv4: [b], cleangateway: true },
    ]),
    [`${KEY}/routes`]: JSON.stringify([{ dst: '192.0.2.0/24', gw: `${NET.a}.9` }]),
  })
  const box = sandbox(pod)
  const routes = [
    { dst: '192.0.2.0/24', gw: `${NET.a}.9` },
    { dst: '0.0.0.0/0', gw: `${NET.a}.1` },
  ]
  t.strictSame((await box.add('eth0')).routes, routes)
  t.strictSame((await box.add('net1')).routes, [{ dst: '10.9.0.0/16', gw: `${NET.b}.2` }])
})

// The kernel rejects host bits. Go's IPAM removes them; main plugins pass routes on unchanged.
for (const [plugin, bin] of [
  ['macvlan', '/usr/lib/cni'],
  ['macvlan-wrapper', BIN],
] as const)
  t.test(`${plugin}: ADD removes the host bits of routes of pool and pod`, async t => {
    const pod = await cluster.pod(name(plugin), {
      [`${KEY}/ippool`]: JSON.stringify({ ipv4: [b] }),
      [`${KEY}/routes`]: JSON.stringify([{ dst: '10.8.1.2/16', gw: `${NET.b}.3` }]),
    })
    const [containerID, ifName] = [containerId(), 'net5']
    const stdin = JSON.stringify({
      ...{ cniVersion: '1.0.0', name: 'routes', type: plugin, master },
      ipam: { type: 'spiderpool', kubeconfig, log_file_path: `${folder}/log` },
    })
    const call = (verb: string) =>
      runExecutable({ name: plugin, bin, env: cniEnv({ verb, containerID, netns, ifName, pod }), stdin })
    const { status, stdout } = await call('ADD')
    t.equal(status, 0, stdout)
    const shown = must(`ip -n ${netns.replace(/.*\//, '')} route show dev ${ifName} proto boot`)
    t.match(shown, /^10\.9\.0\.0\/16 via 10\.230\.1\.2/m)
    t.match(shown, /^10\.8\.0\.0\/16 via 10\.230\.1\.3/m)
    await cluster.removePod(pod)
    t.equal((await call('DEL')).status, 0)
  })
