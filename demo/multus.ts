// A pod's networks as Multus attaches them: its annotations' NetworkAttachmentDefinitions.
import { codeOf } from '../lib/errors.js'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { Api, KubeObject } from './api.js'
import * as libcni from './libcni.js'
import { BIN, HOME, inside, KUBECONFIG, run } from './external-host.js'

export interface Attachment {
  readonly pod: KubeObject
  /** The name of the sandbox's namespace, and its path. */
  readonly netnsName: string
  readonly netns: string
  readonly containerID: string
}

interface Refusal {
  readonly msg?: string
  readonly details?: string
}

export const attachment = (pod: KubeObject, netnsName: string, netns: string): Attachment => ({
  pod,
  netnsName,
  netns,
  containerID: randomBytes(32).toString('hex'),
})

const nodeOf = ({ pod }: Attachment): string => (pod['spec'] as { nodeName: string }).nodeName

/** eth0 and its network; then net1, net2 and theirs. Each is `namespace/name`. */
function networksOf({ pod }: Attachment): readonly (readonly [ifName: string, network: string])[] {
  const annotations = pod.metadata['annotations'] as Readonly<Record<string, string>>
  const further = (annotations['k8s.v1.cni.cncf.io/networks'] ?? '').split(',').filter(Boolean)
  const networks = [annotations['v1.multus-cni.io/default-network'] ?? '', ...further]
  return networks.map((network, at) => [at === 0 ? 'eth0' : `net${at}`, network] as const)
}

async function conflistOf(api: Api, network: string): Promise<libcni.Conflist> {
  const [namespace = '', name = ''] = network.split('/')
  const path = `/apis/k8s.cni.cncf.io/v1/namespaces/${namespace}/network-attachment-definitions/${name}`
  const { config } = (await api.read(path))['spec'] as { config: string }
  return libcni.conflistOf(config, name)
}

function runtimeOf({ pod, containerID, netns }: Attachment, ifName: string): libcni.Runtime {
  const { namespace = '', name = '', uid = '' } = pod.metadata
  const args = {
    IgnoreUnknown: 'true',
    K8S_POD_NAMESPACE: namespace,
    K8S_POD_NAME: name,
    K8S_POD_INFRA_CONTAINER_ID: containerID,
    K8S_POD_UID: uid,
  }
  return { containerID, netns, ifName, args, capabilityArgs: {} }
}

/** Results lie in files, as libcni keeps them in /var/lib/cni/results. */
const RESULTS = `${HOME}/results`
const cache: libcni.Cache = {
  read(key) {
    try {
      return JSON.parse(readFileSync(`${RESULTS}/${key}`, 'utf8')) as libcni.Result
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined
      throw error
    }
  },
  write(key, result) {
    mkdirSync(RESULTS, { recursive: true })
    writeFileSync(`${RESULTS}/${key}`, JSON.stringify(result))
  },
  remove: key => rmSync(`${RESULTS}/${key}`, { force: true }),
}

/** Executables run in the pod's node. */
function depsOf(one: Attachment): libcni.LibcniDeps {
  return {
    cache,
    async call(type, env, conf) {
      const [file = '', ...words] = `${inside(nodeOf(one))} ${BIN}/${type}`.split(' ')
      const all = { ...env, CNI_PATH: BIN, KUBECONFIG }
      const { status, stdout, stderr } = await run(file, words, { env: all, stdin: JSON.stringify(conf) })
      const what = `${type} ${env['CNI_COMMAND'] ?? ''} of ${one.pod.metadata.name ?? ''} ${env['CNI_IFNAME'] ?? ''}`
      if (stdout === '' && status !== 0) throw new Error(`${what}: status ${status} ${stderr.trim()}`)
      const reply = (stdout === '' ? {} : JSON.parse(stdout)) as libcni.Result & Refusal
      if (status !== 0) throw new Error(`${what}: ${reply.msg ?? stdout} ${reply.details ?? ''}`)
      return reply
    },
  }
}

interface Network {
  readonly list: libcni.Conflist
  readonly runtime: libcni.Runtime
}

const attachedTo = (api: Api, one: Attachment): Promise<readonly Network[]> =>
  Promise.all(
    networksOf(one).map(async ([ifName, network]) => ({
      list: await conflistOf(api, network),
      runtime: runtimeOf(one, ifName),
    })),
  )

/** ADD of all networks of a pod, in order. Returns addresses by interface, and the duration. */
export async function add(
  api: Api,
  one: Attachment,
): Promise<{ readonly ips: ReadonlyMap<string, readonly string[]>; readonly ms: number }> {
  const ips = new Map<string, readonly string[]>()
  const networks = await attachedTo(api, one)
  const started = performance.now()
  for (const { list, runtime } of networks) {
    const result = (await libcni.add(list, runtime, depsOf(one))) as { ips?: readonly { address: string }[] }
    ips.set(
      runtime.ifName,
      (result.ips ?? []).map(({ address }) => address),
    )
  }
  return { ips, ms: performance.now() - started }
}

/**
 * Repeats ADD of one plugin of each chain, with the chain's result: for plugins that must be
 * idempotent.
 */
export async function addAgain(api: Api, one: Attachment, type: string): Promise<void> {
  for (const { list, runtime } of await attachedTo(api, one)) {
    const answered = cache.read(`${list.name}-${runtime.containerID}-${runtime.ifName}`)
    const plugins = list.plugins.filter(plugin => plugin.type === type)
    const again = { ...list, plugins: plugins.map(plugin => ({ ...plugin, prevResult: answered })) }
    await libcni.add(again, runtime, depsOf(one))
  }
}

export async function check(api: Api, one: Attachment): Promise<void> {
  for (const { list, runtime } of await attachedTo(api, one)) await libcni.check(list, runtime, depsOf(one))
}

/** DEL of all of them, the last first. */
export async function del(api: Api, one: Attachment): Promise<void> {
  const networks = await attachedTo(api, one)
  for (const { list, runtime } of networks.toReversed()) await libcni.del(list, runtime, depsOf(one))
}
