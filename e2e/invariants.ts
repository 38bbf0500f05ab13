// Holds after every case: address objects, pods, records and the nodes' kernels are consistent.
import { list, must, NODES, onNode, run, type Obj, type Pod } from './kubectl.js'

interface Address extends Obj {
  readonly spec: {
    /** With its prefix length. */
    readonly address: string
    readonly pool: string
    readonly nic: string
    readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string }
  }
}

interface IpAddress {
  readonly ifname: string
  readonly link_type?: string
  readonly addr_info: readonly { readonly local: string; readonly scope: string }[]
}

interface Pool extends Obj {
  readonly status?: { readonly allocatedIPCount?: number }
}

const ipOf = ({ spec }: Address): string => spec.address.split('/')[0] ?? ''

/** What is wrong; each a sentence. */
type Wrong = string

const keyOf = ({ metadata: { namespace = 'default', name } }: Obj): string => `${namespace}/${name}`
const isOurs = (pod: Pod): boolean => pod.spec.hostNetwork !== true && pod.status.podIP !== undefined

async function netnsOf(node: string): Promise<readonly string[]> {
  const names = await must(onNode(node, 'sh', '-c', 'ls /run/netns'))
  return names.split('\n').filter(name => name.startsWith('cni-'))
}

const ipJson = async <T>(node: string, args: string, netns?: string): Promise<readonly T[]> => {
  const words = [...(netns === undefined ? [] : ['-n', netns]), '-j', ...args.split(' ')]
  const out = await must(onNode(node, 'ip', ...words))
  return out.trim() === '' ? [] : (JSON.parse(out) as readonly T[])
}

/** Returns the routes of a table; none if the table does not exist (`FIB table does not exist`). */
async function routesIn(
  node: string,
  family: '-4' | '-6',
  table: string,
): Promise<readonly { readonly dst: string }[]> {
  const command = onNode(node, 'ip', '-j', family, 'route', 'show', 'table', table)
  const { status, stdout, stderr } = await run(command)
  if (status !== 0 && stderr.includes('FIB table does not exist')) return []
  if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr.trim()}`)
  return stdout.trim() === '' ? [] : (JSON.parse(stdout) as readonly { readonly dst: string }[])
}

/** Global addresses of the namespaces of pods on a node, one list a namespace. */
async function addressesOn(node: string): Promise<readonly (readonly string[])[]> {
  const names = await netnsOf(node)
  return Promise.all(
    names.map(async netns => {
      const links = await ipJson<IpAddress>(node, 'addr', netns)
      return links.flatMap(({ addr_info }) => addr_info.filter(({ scope }) => scope === 'global').map(a => a.local))
    }),
  )
}

function twice(addresses: readonly Address[]): readonly Wrong[] {
  const seen = new Map<string, string>()
  return addresses.flatMap(one => {
    const before = seen.get(ipOf(one))
    seen.set(ipOf(one), one.metadata.name)
    return before === undefined ? [] : [`${ipOf(one)} is in two objects: ${before} and ${one.metadata.name}`]
  })
}

/** An address object for each pod's addresses, with its UID; none for anybody else. */
function objectsAndPods(
  addresses: readonly Address[],
  pods: readonly Pod[],
  keeps: ReadonlySet<string>,
): readonly Wrong[] {
  const byUid = new Map(pods.map(pod => [pod.metadata.uid, pod]))
  const stray = addresses
    .filter(({ spec }) => !byUid.has(spec.pod.uid) && !keeps.has(`${spec.pod.namespace}/${spec.pod.name}`))
    .map(({ spec }) => `${spec.address} is held for ${spec.pod.namespace}/${spec.pod.name}, which is not there`)
  const held = new Set(addresses.map(one => `${one.spec.pod.uid} ${ipOf(one)}`))
  const without = pods
    .filter(pod => isOurs(pod) && !held.has(`${pod.metadata.uid} ${pod.status.podIP ?? ''}`))
    .map(pod => `${keyOf(pod)} uses ${pod.status.podIP ?? ''} and no object says so`)
  return [...stray, ...without]
}

function endpointsAndPods(
  endpoints: readonly Obj[],
  pods: readonly Pod[],
  keeps: ReadonlySet<string>,
): readonly Wrong[] {
  const live = new Set(pods.map(keyOf))
  const recorded = new Set(endpoints.map(keyOf))
  return [
    ...endpoints
      .map(keyOf)
      .filter(key => !live.has(key) && !keeps.has(key))
      .map(key => `SpiderEndpoint ${key} has no pod`),
    ...pods.filter(pod => isOurs(pod) && !recorded.has(keyOf(pod))).map(pod => `${keyOf(pod)} has no SpiderEndpoint`),
  ]
}

function counts(pools: readonly Pool[], addresses: readonly Address[]): readonly Wrong[] {
  return pools.flatMap(({ metadata: { name }, status }) => {
    const held = addresses.filter(({ spec }) => spec.pool === name).length
    const said = status?.allocatedIPCount ?? 0
    return held === said ? [] : [`pool ${name} says ${said} allocated and ${held} address objects name it`]
  })
}

interface Rule {
  readonly priority: number
  readonly dst?: string
  readonly table: string
}

/** A node's namespaces, routes, neighbours and links are those of its pods and no others. */
async function kernel(node: string, pods: readonly Pod[], addresses: readonly Address[]): Promise<readonly Wrong[]> {
  const here = pods.filter(pod => pod.spec.nodeName === node && isOurs(pod) && pod.status.phase === 'Running')
  const uids = new Set(here.map(pod => pod.metadata.uid))
  const expected = new Set(addresses.filter(({ spec }) => uids.has(spec.pod.uid)).map(ipOf))
  const [inside, links, rules] = await Promise.all([
    addressesOn(node),
    ipJson<{ ifname: string; link_index?: number; linkinfo?: { info_kind?: string } }>(node, '-d link'),
    ipJson<Rule>(node, 'rule'),
  ])
  const found = new Set(inside.flat())
  const veths = links.filter(({ linkinfo, ifname }) => linkinfo?.info_kind === 'veth' && !/^eth\d$/.test(ifname))
  const routed = new Set<string>()
  for (const family of ['-4', '-6'] as const) for (const { dst } of await routesIn(node, family, '500')) routed.add(dst)
  const is = (what: string, set: ReadonlySet<string>): readonly Wrong[] => [
    ...[...set].filter(a => !expected.has(a)).map(a => `${node}: ${what} ${a} of no pod here`),
    ...[...expected].filter(a => !set.has(a)).map(a => `${node}: no ${what} ${a}, though a pod here has it`),
  ]
  return [
    ...is('address', found),
    ...is('route of table 500 to', routed),
    ...(inside.length === here.length ? [] : [`${node}: ${inside.length} namespaces of pods, ${here.length} pods`]),
    ...(veths.length === here.length
      ? []
      : [`${node}: ${veths.length} veths (${veths.map(v => v.ifname).join(' ')}), ${here.length} pods`]),
    ...(rules.filter(({ table }) => table === '500').length <= 1 ? [] : [`${node}: several rules for table 500`]),
  ]
}

/**
 * Returns every violated invariant. `keeps`: namespace/name of pods that are gone and whose
 * addresses stay allocated; `dead`: nodes that do not answer.
 */
export async function wrongs({
  keeps = [],
  dead = [],
}: { readonly keeps?: readonly string[]; readonly dead?: readonly string[] } = {}): Promise<readonly Wrong[]> {
  const [pods, addresses, endpoints, pools] = await Promise.all([
    list<Pod>('pods -A'),
    list<Address>('spideripaddresses'),
    list('spiderendpoints -A'),
    list<Pool>('spiderippools'),
  ])
  const kept = new Set(keeps)
  const nodes = NODES.filter(node => !dead.includes(node))
  return [
    ...twice(addresses),
    ...objectsAndPods(addresses, pods, kept),
    ...endpointsAndPods(endpoints, pods, kept),
    ...counts(pools, addresses),
    ...(await Promise.all(nodes.map(node => kernel(node, pods, addresses)))).flat(),
  ]
}
