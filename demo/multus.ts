// Calls CNI executables as Multus does for a pod: network after network, plugin after plugin. Knows the protocol; knows nothing of what is called.
import { randomBytes } from 'node:crypto'
import type { Api, KubeObject } from './api.js'
import { BIN, inside, run } from './world.js'

export interface Attachment {
  readonly pod: KubeObject
  /** The name of the sandbox's namespace, and its path. */
  readonly place: string
  readonly netns: string
  readonly containerID: string
  /** What ADD answered, by interface: libcni keeps it for CHECK and DEL. */
  readonly results: Map<string, Result>
}

export interface Result {
  readonly ips?: readonly { readonly address: string }[]
}
interface Refusal {
  readonly code?: number
  readonly msg?: string
  readonly details?: string
}

type Verb = 'ADD' | 'CHECK' | 'DEL'

interface Conflist {
  readonly cniVersion: string
  readonly name: string
  readonly plugins: readonly { readonly type: string }[]
}

export const attachment = (pod: KubeObject, place: string, netns: string): Attachment => ({
  pod,
  place,
  netns,
  containerID: randomBytes(32).toString('hex'),
  results: new Map(),
})

const nodeOf = ({ pod }: Attachment): string => (pod['spec'] as { nodeName: string }).nodeName

/** eth0 and its network; then net1, net2 and theirs. Each is `namespace/name`. */
function networksOf({ pod }: Attachment): readonly (readonly [ifName: string, network: string])[] {
  const annotations = pod.metadata['annotations'] as Readonly<Record<string, string>>
  const further = (annotations['k8s.v1.cni.cncf.io/networks'] ?? '').split(',').filter(Boolean)
  const networks = [annotations['v1.multus-cni.io/default-network'] ?? '', ...further]
  return networks.map((network, at) => [at === 0 ? 'eth0' : `net${at}`, network] as const)
}

async function conflistOf(api: Api, network: string): Promise<Conflist> {
  const [namespace = '', name = ''] = network.split('/')
  const path = `/apis/k8s.cni.cncf.io/v1/namespaces/${namespace}/network-attachment-definitions/${name}`
  const { config } = (await api.read(path))['spec'] as { config: string }
  return JSON.parse(config) as Conflist
}

/** Returns the executable's answer; throws what it said if it failed. */
async function call(
  verb: Verb,
  one: Attachment,
  { type, ifName, conf }: { type: string; ifName: string; conf: object },
): Promise<Result> {
  const { namespace = '', name = '', uid = '' } = one.pod.metadata
  const args = [
    'IgnoreUnknown=true',
    `K8S_POD_NAMESPACE=${namespace}`,
    `K8S_POD_NAME=${name}`,
    `K8S_POD_INFRA_CONTAINER_ID=${one.containerID}`,
    `K8S_POD_UID=${uid}`,
  ]
  const env = {
    CNI_COMMAND: verb,
    CNI_CONTAINERID: one.containerID,
    CNI_NETNS: one.netns,
    CNI_IFNAME: ifName,
    CNI_PATH: BIN,
    CNI_ARGS: args.join(';'),
  }
  const [file = '', ...words] = `${inside(nodeOf(one))} ${BIN}/${type}`.split(' ')
  const { status, stdout, stderr } = await run(file, words, { env, stdin: JSON.stringify(conf) })
  if (stdout === '' && status !== 0)
    throw new Error(`${type} ${verb} of ${name} ${ifName}: status ${status} ${stderr.trim()}`)
  const reply = (stdout === '' ? {} : JSON.parse(stdout)) as Result & Refusal
  if (status !== 0)
    throw new Error(`${type} ${verb} of ${name} ${ifName}: ${reply.msg ?? stdout} ${reply.details ?? ''}`)
  return reply
}

/** The plugins of a network, each given what the one before it answered. */
async function chain(
  verb: Verb,
  one: Attachment,
  { ifName, conflist }: { ifName: string; conflist: Conflist },
): Promise<Result | undefined> {
  const { plugins, ...common } = conflist
  let result = verb === 'ADD' ? undefined : one.results.get(ifName)
  for (const plugin of verb === 'DEL' ? plugins.toReversed() : plugins) {
    const conf = { ...common, ...plugin, ...(result && { prevResult: result }) }
    const answer = await call(verb, one, { type: plugin.type, ifName, conf })
    if (verb === 'ADD') result = answer
  }
  return result
}

/** ADD of all of a pod's networks, in order. Returns the addresses by interface, and how long it took. */
export async function add(
  api: Api,
  one: Attachment,
): Promise<{ readonly ips: ReadonlyMap<string, readonly string[]>; readonly ms: number }> {
  const ips = new Map<string, readonly string[]>()
  const networks = await Promise.all(
    networksOf(one).map(async ([ifName, network]) => ({ ifName, conflist: await conflistOf(api, network) })),
  )
  const started = performance.now()
  for (const network of networks) {
    const result = (await chain('ADD', one, network)) ?? {}
    one.results.set(network.ifName, result)
    ips.set(
      network.ifName,
      (result.ips ?? []).map(({ address }) => address),
    )
  }
  return { ips, ms: performance.now() - started }
}

/** ADD of one plugin of each chain once more, given what the chain answered: for those that must stand being called twice. */
export async function addAgain(api: Api, one: Attachment, type: string): Promise<void> {
  for (const [ifName, network] of networksOf(one)) {
    const { plugins, ...common } = await conflistOf(api, network)
    for (const plugin of plugins.filter(plugin => plugin.type === type))
      await call('ADD', one, { type, ifName, conf: { ...common, ...plugin, prevResult: one.results.get(ifName) } })
  }
}

export async function check(api: Api, one: Attachment): Promise<void> {
  for (const [ifName, network] of networksOf(one))
    await chain('CHECK', one, { ifName, conflist: await conflistOf(api, network) })
}

/** DEL of all of them, the last first. */
export async function del(api: Api, one: Attachment): Promise<void> {
  for (const [ifName, network] of networksOf(one).toReversed())
    await chain('DEL', one, { ifName, conflist: await conflistOf(api, network) })
}
