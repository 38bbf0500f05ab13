// A pool that holds addresses of the node: ADD skips them, and the node still reaches its gateway.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import t from 'tap'
import { startApiserver } from '../fixtures/apiserver.js'
import { openCluster, SPIDER, type PodRef } from '../fixtures/cluster.js'
import { BIN, cniEnv, runExecutable, type Reply } from '../fixtures/executable.js'
import { must, openNetwork, type Place } from '../fixtures/netns.js'

const folder = mkdtempSync(`${tmpdir()}/node-address-`)
const network = openNetwork()
const server = await startApiserver()
const cluster = openCluster(server.kubeconfig)
// The API server is on this namespace's loopback, so this namespace is the node: an interface in
// the switch, and a veth with VIPs.
const master = `na${process.pid}`
const vips = `nv${process.pid}`
const NODE = { v4: '10.166.0.11', v6: 'fd16:6::11' } as const
const ROUTER = { v4: '10.166.0.1', v6: 'fd16:6::1' } as const
must(`ip link add ${master} type veth peer name up0 netns ${network.wire.name} && ip link set ${master} up`)
must(`ip addr add ${NODE.v4}/16 dev ${master} && ip addr add ${NODE.v6}/64 dev ${master} nodad`)
must(`ip link add ${vips} type veth peer name ${vips}b && ip link set ${vips} up && ip link set ${vips}b up`)
network.wire.sh('ip link set up0 master br0 up')
network.wire.sh(`ip addr add ${ROUTER.v4}/16 dev br0 && ip addr add ${ROUTER.v6}/64 dev br0 nodad`)
t.teardown(async () => {
  must(`ip link del ${master}; ip link del ${vips}`)
  network.close()
  await server.stop()
  rmSync(folder, { recursive: true })
})
// Not by /sys: it is of the namespace in which it was mounted.
const macOf = (link: string): string => /link\/ether (\S+)/.exec(must(`ip -o link show ${link}`))?.[1] ?? ''

const FAMILIES = [
  ['v4', 4, '10.166.0.0/16', '/16'],
  ['v6', 6, 'fd16:6::/64', '/64'],
] as const
type Family = (typeof FAMILIES)[number][0]

const addVip = (ip: string): void =>
  void must(`ip addr add ${ip}/${ip.includes(':') ? 128 : 32} dev ${vips} ${ip.includes(':') ? 'nodad' : ''}`)
const removeVip = (ip: string): void => void must(`ip addr del ${ip}/${ip.includes(':') ? 128 : 32} dev ${vips}`)

for (const [family, , subnet] of FAMILIES)
  await cluster.pool(`own-${family}`, { subnet, ips: [NODE[family]], gateway: ROUTER[family] })

let count = 0
const podOf = (family: Family, pool: string): Promise<PodRef> =>
  cluster.pod(`own-${process.pid}-${count++}`, {
    'ipam.spidernet.io/ippool': JSON.stringify({ [`ip${family}`]: [pool] }),
  })

interface Calling {
  readonly verb?: string
  readonly name?: string
  readonly ipam?: object
  readonly prevResult?: unknown
}

const call = (place: Place, pod: PodRef, { verb = 'ADD', name = 'macvlan-wrapper', ipam, prevResult }: Calling = {}) =>
  runExecutable({
    name,
    env: cniEnv({ verb, containerID: pod.name, netns: place.path, pod, path: BIN }),
    stdin: JSON.stringify({
      cniVersion: '1.0.0',
      name: 'own',
      type: 'macvlan-wrapper',
      master,
      ipam: { type: 'spiderpool', kubeconfig: server.kubeconfig, log_file_path: `${folder}/log`, ...ipam },
      ...(prevResult !== undefined && { prevResult }),
    }),
  })

const ipsOf = ({ json }: Reply): readonly string[] =>
  ((json as { ips?: { address: string }[] }).ips ?? []).map(({ address }) => address)
const conflict = (ip: string, mac: string): string =>
  `ip conflict: pod's interface eth0 with an conflicting ip ${ip}, ${ip} is located at ${mac}`

/** What the API server holds of a pool, and which of it is quarantined. */
async function heldIn(pool: string): Promise<readonly { readonly ip: string; readonly mac: string | undefined }[]> {
  const objects = (await cluster.addresses(pool)) as unknown as readonly {
    readonly spec: { readonly address: string }
    readonly metadata: { readonly labels: Readonly<Record<string, string>> }
  }[]
  return objects.map(({ spec, metadata }) => {
    return { ip: spec.address.split('/')[0] ?? '', mac: metadata.labels['ipam.spidernet.io/conflict'] }
  })
}

/** Flushes neighbours first, so that what counts is who answers now. */
function nodeReachesGateway(family: Family): boolean {
  network.wire.sh('ip neigh flush all; ip -6 neigh flush all')
  must(`ip neigh flush dev ${master}; ip -6 neigh flush dev ${master}`)
  must(`ping -c1 -W2 -I ${NODE[family]} ${ROUTER[family]}`)
  const link = family === 'v4' ? '' : '-6'
  return network.wire.sh(`ip ${link} neigh show ${NODE[family]} dev br0`).includes(macOf(master))
}

/** Whether the switch knows another MAC for the node's address. */
function isElsewhere(family: Family): boolean {
  const entry = network.wire.sh(`ip -${family === 'v4' ? 4 : 6} neigh show ${NODE[family]} dev br0`)
  return entry.includes('lladdr') && !entry.includes(macOf(master))
}

async function forget(pool: string): Promise<void> {
  for (const { metadata } of await cluster.addresses(pool))
    await cluster.api.remove(`${SPIDER}/spideripaddresses/${metadata.name}`)
}

/** A standalone IPAM finds an interface that a foreign main plugin has made. */
function placeFor(name: string): Place {
  const place = network.pod()
  if (name !== 'spiderpool-ipam') return place
  const port = `o${count}`
  network.wire.sh(`ip link add ${port} type veth peer name eth0 netns ${place.name}; ip link set ${port} master br0 up`)
  return place
}

for (const name of ['macvlan-wrapper', 'spiderpool-ipam'])
  for (const [family] of FAMILIES)
    for (const detection of [false, true]) {
      const how = `${name}, ${family}, detection ${detection ? 'on' : 'off'}`
      const ipam = { enableIPConflictDetection: detection }

      t.test(`ADD from a pool of the node's address only fails with code 108: ${how}`, async t => {
        const place = placeFor(name)
        const links = place.links()
        const pod = await podOf(family, `own-${family}`)
        const { status, json } = await call(place, pod, { name, ipam })
        t.equal(status, 1)
        t.match(json, { code: 108, msg: conflict(NODE[family], macOf(master)) })
        t.match(json, { details: `${NODE[family]} is an address of interface ${master} of this node` })
        t.strictSame(place.links(), links, 'no interface is left')
        const mac = macOf(master).replaceAll(':', '-')
        t.strictSame(await heldIn(`own-${family}`), [{ ip: NODE[family], mac }], 'quarantined')
        t.notOk(
          (await cluster.endpoints()).some(({ metadata }) => metadata.name === pod.name),
          'no record is left',
        )
        t.notOk(isElsewhere(family), 'no other MAC was announced')
        t.ok(nodeReachesGateway(family))
        t.equal((await call(place, pod, { name, ipam, verb: 'DEL' })).status, 0)
        await forget(`own-${family}`)
      })
    }

for (const [name, block] of [
  ['macvlan-wrapper', 3],
  ['spiderpool-ipam', 4],
] as const)
  for (const [family, , subnet, length] of FAMILIES)
    t.test(`ADD skips the node's VIPs, and CHECK names one that is added later: ${name}, ${family}`, async t => {
      const place = placeFor(name)
      const ips = [1, 2, 3, 4].map(last => (family === 'v4' ? `10.166.${block}.${last}` : `fd16:6::${block}:${last}`))
      const [free = '', ...taken] = ips
      const pool = `vips-${block}-${family}`
      await cluster.pool(pool, { subnet, ips, gateway: ROUTER[family] })
      for (const ip of taken) addVip(ip)
      const pod = await podOf(family, pool)
      const added = await call(place, pod, { name })
      t.strictSame(ipsOf(added), [`${free}${length}`], added.stdout)
      t.ok(nodeReachesGateway(family))
      const mac = macOf(vips)
      const quarantined = (await heldIn(pool)).filter(({ ip }) => ip !== free)
      t.ok(quarantined.every(one => taken.includes(one.ip) && one.mac === mac.replaceAll(':', '-')))
      if (name === 'spiderpool-ipam')
        place.sh(`ip addr add ${free}${length} dev eth0 ${family === 'v6' ? 'nodad' : ''}`)
      const check = (): Promise<Reply> => call(place, pod, { name, verb: 'CHECK', prevResult: added.json })
      const before = await check()
      t.equal(before.status, 0, before.stdout)
      addVip(free)
      const { json } = await check()
      removeVip(free)
      const where = `${free} is an address of interface ${vips} of this node`
      t.match(json, { code: 108, msg: `${conflict(free, mac)}; ${where}` })
      t.equal((await call(place, pod, { name, verb: 'DEL' })).status, 0)
      for (const ip of taken) removeVip(ip)
    })

t.test('ADD of a container without a pod fails with code 108 too', async t => {
  const place = network.pod()
  const ipam = { owner: 'container', default_ipv4_ippool: ['own-v4'] }
  const calling = (verb: string): Promise<Reply> =>
    runExecutable({
      name: 'macvlan-wrapper',
      env: cniEnv({ verb, containerID: `box-${process.pid}`, netns: place.path, path: BIN }),
      stdin: JSON.stringify({
        cniVersion: '1.0.0',
        name: 'own',
        type: 'macvlan-wrapper',
        master,
        ipam: { type: 'spiderpool', kubeconfig: server.kubeconfig, log_file_path: `${folder}/log`, ...ipam },
      }),
    })
  const { json } = await calling('ADD')
  t.match(json, { code: 108, msg: conflict(NODE.v4, macOf(master)) })
  t.strictSame(place.links(), [])
  const mac = macOf(master).replaceAll(':', '-')
  t.strictSame(await heldIn('own-v4'), [{ ip: NODE.v4, mac }])
  t.equal((await calling('DEL')).status, 0)
  t.ok(nodeReachesGateway('v4'))
  await forget('own-v4')
})

t.test('ADD of a new sandbox releases an address that the node has meanwhile', async t => {
  const ips = ['10.166.7.1', '10.166.7.2']
  await cluster.pool('kept', { subnet: '10.166.0.0/16', ips })
  const pod = await podOf('v4', 'kept')
  const [first] = ipsOf(await call(network.pod(), pod))
  const had = first?.split('/')[0] ?? ''
  const other = ips.find(ip => ip !== had) ?? ''
  addVip(had)
  const place = network.pod()
  const again = await call(place, pod)
  t.strictSame(ipsOf(again), [`${other}/16`], again.stdout)
  t.strictSame(
    [...(await heldIn('kept'))].sort((a, b) => a.ip.localeCompare(b.ip)),
    ips.map(ip => ({ ip, mac: ip === had ? macOf(vips).replaceAll(':', '-') : undefined })),
  )
  const record = (await cluster.endpoints()).find(({ metadata }) => metadata.name === pod.name)
  t.match(record, { status: { current: { ips: [{ interface: 'eth0', ipv4: `${other}/16` }] } } })
  t.notMatch(JSON.stringify(record), `"${had}/16"`)
  removeVip(had)
})
