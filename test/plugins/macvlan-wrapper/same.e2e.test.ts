// Side by side with the reference macvlan of the Debian package: the same conf gives the same
// result, the same mistake the same words.
import t from 'tap'
import { existsSync } from 'node:fs'
import { GATEWAY, openNetwork, type CallOptions } from '../../fixtures/netns.js'
import type { Reply } from '../../fixtures/executable.js'

const REFERENCE = '/usr/lib/cni'
if (!existsSync(`${REFERENCE}/macvlan`))
  throw new Error(`there is no ${REFERENCE}/macvlan: apt-get install containernetworking-plugins`)
const network = openNetwork()
t.teardown(() => network.close())

const ipam = {
  type: 'static',
  addresses: [{ address: '10.6.0.5/16', gateway: GATEWAY.v4 }],
  routes: [{ dst: '0.0.0.0/0' }, { dst: '10.9.0.0/16', gw: '10.6.0.3' }],
  dns: { nameservers: ['10.0.0.1'] },
}
const dual = { ...ipam, addresses: [...ipam.addresses, { address: 'fd06::5/64', gateway: GATEWAY.v6 }] }
const conf = (more: object = {}) => ({
  cniVersion: '1.0.0',
  name: 'net',
  type: 'macvlan',
  master: 'eth0',
  ipam,
  ...more,
})

/**
 * Each in a pod of its own; where they differ only by chance, MACs and names of namespaces are
 * blanked.
 */
async function both(
  options: Omit<CallOptions, 'pod'> & { pod?: string },
): Promise<readonly [ours: Reply, theirs: Reply]> {
  const run = async (program: { name?: string; bin?: string }): Promise<Reply> => {
    const pod = network.pod()
    const reply = await network.call({ ...options, ...program, pod: options.pod ?? pod })
    const blank = (text: string): string =>
      text.replaceAll(pod.path, 'POD').replaceAll(/([0-9a-f]{2}:){5}[0-9a-f]{2}/g, 'MAC')
    const state = pod.links().length === 0 ? '' : pod.sh('ip -d -o addr show eth0; ip -4 route; ip -6 route')
    if (pod.links().length > 0) pod.sh('ip link del eth0')
    return {
      ...reply,
      json: reply.json === undefined ? undefined : JSON.parse(blank(JSON.stringify(reply.json))),
      stderr: steady(blank(state)),
    }
  }
  return [await run({}), await run({ name: 'macvlan', bin: REFERENCE })]
}

/** The package's library prints an empty `dns` in 1.0.0, that of newer releases does not. */
function asNewer(reply: unknown): unknown {
  const { dns, ...rest } = reply as { cniVersion: string; dns?: object }
  const isEmpty = rest.cniVersion === '1.0.0' && dns !== undefined && Object.keys(dns).length === 0
  return isEmpty ? rest : reply
}

/** Without what chance gave: link-local addresses and interface numbers. */
const steady = (state: string): string =>
  state
    .split('\n')
    .filter(line => !line.includes('fe80::'))
    .map(line => line.replace(/^\d+:/, ''))
    .join('\n')

const confs: readonly [name: string, conf: object, env?: Record<string, string>][] = [
  ...['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0'].map((cniVersion): [string, object] => [
    `a result of ${cniVersion}`,
    { cniVersion },
  ]),
  ['a dual-stack result of 0.4.0', { cniVersion: '0.4.0', ipam: dual }],
  ['a dual-stack result of 0.2.0', { cniVersion: '0.2.0', ipam: dual }],
  ['mode private', { mode: 'private' }],
  ['mode vepa', { mode: 'vepa' }],
  ['mode passthru', { mode: 'passthru' }],
  ['a smaller MTU', { mtu: 1300 }],
  ['a MAC', { mac: '0a:00:00:00:00:01' }],
  ['DNS of its own', { dns: { nameservers: ['10.0.0.9'], search: ['a.b'], domain: 'c', options: ['d'] } }],
  ['no IPAM', { ipam: {} }],
  ['no IPAM in 0.3.1', { ipam: {}, cniVersion: '0.3.1' }],
  ['an address without a gateway', { ipam: { type: 'static', addresses: [{ address: '10.6.0.5/16' }] } }],
]
for (const [name, more, env = {}] of confs)
  t.test(`ADD has the result and interface of the reference plugin: ${name}`, async t => {
    const [ours, theirs] = await both({ verb: 'ADD', conf: conf(more), env })
    t.equal(theirs.status, 0, 'the reference plugin does it')
    t.strictSame(ours.json, asNewer(theirs.json))
    t.equal(ours.stderr, theirs.stderr, 'links, addresses and routes')
  })

/** `code`: where the specification has a number for what the reference library calls 999. */
const mistakes: readonly [
  name: string,
  conf: object,
  options?: { pod?: string; env?: Record<string, string>; ifName?: string; code?: number },
][] = [
  ['an unknown mode', { mode: 'x' }, { code: 7 }],
  ['an MTU above the master’s', { mtu: 9000 }, { code: 7 }],
  ['an MTU below 0', { mtu: -1 }, { code: 7 }],
  ['a master that is not there', { master: 'eth9' }],
  ['a MAC that is none', { mac: 'zz' }, { code: 7 }],
  ['a multicast MAC', { mac: '01:00:00:00:00:01' }, { code: 7 }],
  ['a namespace that is not there', {}, { pod: '/run/netns/none', code: 8 }],
  ['a file that is no namespace', {}, { pod: '/etc/passwd', code: 8 }],
  ['an IPAM that is not there', { ipam: { type: 'nowhere' } }],
  ['an IPAM with a slash', { ipam: { type: 'a/b' } }, { code: 7 }],
  ['unknown CNI_ARGS', {}, { env: { CNI_ARGS: 'A=b' }, code: 4 }],
  ['broken CNI_ARGS', {}, { env: { CNI_ARGS: 'A' }, code: 4 }],
  ['a version of the future', { cniVersion: '9.9.9' }],
  ['no name', { name: '' }],
  ['a bad name', { name: 'a b' }],
  ['a bad interface name', {}, { ifName: 'a/b' }],
  ['an interface name too long', {}, { ifName: 'a234567890123456' }],
  ['an address outside', { ipam: { type: 'static', addresses: [{ address: 'x' }] } }],
]
for (const [name, more, { code, ...options } = {}] of mistakes)
  t.test(`ADD has the error of the reference plugin, with its code or the specification’s: ${name}`, async t => {
    const [ours, theirs] = await both({ verb: 'ADD', conf: conf(more), ...options })
    const said = ({ status, json }: Reply) => ({ status, ...(json as { code: number; msg: string }) })
    t.equal(theirs.status, 1, 'the reference plugin refuses')
    t.strictSame(
      { status: ours.status, code: said(ours).code, msg: said(ours).msg },
      { status: 1, code: code ?? said(theirs).code, msg: said(theirs).msg.replace('%!q(<nil>)', `"${options.pod}"`) },
    )
  })

t.test('CHECK and DEL take an interface of the reference plugin, and vice versa', async t => {
  const pod = network.pod()
  const reference = { name: 'macvlan', bin: REFERENCE }
  for (const [maker, other] of [
    [{}, reference],
    [reference, {}],
  ] as const) {
    const added = await network.call({ verb: 'ADD', conf: conf(), pod, ...maker })
    t.equal(added.status, 0)
    t.match(await network.call({ verb: 'CHECK', conf: conf({ prevResult: added.json }), pod, ...other }), {
      status: 0,
      stdout: '',
    })
    t.match(await network.call({ verb: 'DEL', conf: conf(), pod, ...other }), { status: 0, stdout: '' })
    t.strictSame(pod.links(), [])
  }
})
