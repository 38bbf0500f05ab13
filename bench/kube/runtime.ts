// A container runtime that measures: runs conflists by libcni, each executable timed by itself.
import { createHash } from 'node:crypto'
import * as libcni from '../../demo/libcni.js'
import { nodeEnv } from '../../test/fixtures/node-config.js'
import { measure, type Sample } from '../measure.js'
import { BIN, DEBIAN } from '../stage.js'
import type { Agent } from './agent.js'
import type { KubePod, KubeStage } from './stage.js'
import type { Column } from './rows.js'

/** How executables of a column are run. */
export interface Way {
  readonly column: Column
  /** The node that the pods are bound to. */
  readonly node: string
  readonly conflist: libcni.Conflist
  readonly env: Readonly<Record<string, string>>
}

/** What one ADD or DEL took: all executables together, and each. */
export interface Took {
  readonly wallMs: number
  readonly cpuMs: number
  readonly steps: ReadonlyMap<string, Sample>
}

export interface Sandbox {
  readonly pod: KubePod
  readonly netns: string
}

export interface KubeRuntime {
  add(sandbox: Sandbox): Promise<Took>
  del(sandbox: Sandbox): Promise<Took>
}

type Json = Readonly<Record<string, unknown>>
const ipamOf = (plugin: object): Json | undefined => ('ipam' in plugin ? (plugin.ipam as Json) : undefined)

/** The generated conflist with a kubeconfig in it, where a node's would be in its default place. */
function withKubeconfig(list: libcni.Conflist, kubeconfig: string): libcni.Conflist {
  const plugins = list.plugins.map(plugin => {
    const ipam = ipamOf(plugin)
    return ipam === undefined ? { ...plugin, kubeconfig } : { ...plugin, ipam: { ...ipam, kubeconfig } }
  })
  return { ...list, plugins }
}

/** The IPAM plugin alone, as a main plugin delegates to it: the whole conf of the main plugin. */
export function ipamOnly(list: libcni.Conflist): libcni.Conflist {
  const main = list.plugins.find(plugin => ipamOf(plugin) !== undefined)
  const type = main && ipamOf(main)?.['type']
  if (main === undefined || typeof type !== 'string') throw new Error(`no plugin of ${list.name} has ipam`)
  return { ...list, plugins: [{ ...main, type }] }
}

export const direct = ({ conflist, kubeconfig }: KubeStage, node: string): Way => ({
  ...{ column: 'direct', node, env: {} },
  conflist: withKubeconfig(conflist, kubeconfig),
})

/** No kubeconfig at all: a call that does not reach the agent fails. */
export const withAgent = ({ conflist }: KubeStage, { node, socket }: Agent): Way => ({
  ...{ column: 'agent', node, conflist, env: { SPIDERPOOL_AGENT_SOCKET: socket } },
})

/** Debian's plugins on the same master. */
export const peer = (master: string): Way => ({
  ...{ column: 'peer', node: 'peer', env: {} },
  conflist: {
    cniVersion: '1.0.0',
    name: 'peer',
    plugins: [
      {
        type: 'macvlan',
        ...{ master, mode: 'bridge' },
        ipam: {
          type: 'host-local',
          subnet: '10.97.0.0/16',
          dataDir: '/run/spidernet/host-local',
          routes: [{ dst: '0.0.0.0/0' }],
        },
      } as libcni.Conflist['plugins'][number],
    ],
  },
})

/** Ways to run them that this build has: direct, with an agent if there is one, and the peers. */
export async function waysOf(stage: KubeStage, master: string): Promise<readonly Way[]> {
  const agent = await stage.agent('n1')
  return [direct(stage, 'n0'), ...(agent ? [withAgent(stage, agent)] : []), peer(master)]
}

export interface RuntimeOptions {
  /** A command in front of each executable. */
  readonly under?: readonly string[]
  /** Of the executables, where it is not that of the way. */
  readonly bin?: string
}

/** @throws what an executable prints on failure */
export function openRuntime(way: Way, list: libcni.Conflist, { under = [], bin }: RuntimeOptions = {}): KubeRuntime {
  const results = new Map<string, libcni.Result>()
  const cache: libcni.Cache = {
    read: key => results.get(key),
    write: (key, result) => void results.set(key, result),
    remove: key => void results.delete(key),
  }
  const folder = bin ?? (way.column === 'peer' ? DEBIAN : BIN)
  const run = async (sandbox: Sandbox, verb: 'add' | 'del'): Promise<Took> => {
    const steps = new Map<string, Sample>()
    const call: libcni.LibcniDeps['call'] = async (type, env, conf) => {
      const sample = await measure({
        file: `${folder}/${type}`,
        env: { ...env, CNI_PATH: `${folder}:${DEBIAN}`, ...nodeEnv(), ...way.env },
        stdin: JSON.stringify(conf),
        under,
      })
      if (sample.status !== 0) throw new Error(`${type} ${verb} (${way.column}): ${sample.stdout}`)
      steps.set(type, sample)
      return (sample.stdout.trim() === '' ? {} : JSON.parse(sample.stdout)) as libcni.Result
    }
    await libcni[verb](list, runtimeOf(sandbox), { call, cache })
    const sum = (of: (sample: Sample) => number): number =>
      [...steps.values()].reduce((total, sample) => total + of(sample), 0)
    return { wallMs: sum(({ wallMs }) => wallMs), cpuMs: sum(({ cpuMs }) => cpuMs), steps }
  }
  return { add: sandbox => run(sandbox, 'add'), del: sandbox => run(sandbox, 'del') }
}

/** As containerd calls a plugin for a pod's sandbox. */
export function runtimeOf({ pod, netns }: Sandbox): libcni.Runtime {
  const containerID = createHash('sha256').update(pod.uid).digest('hex') // a veth is named by its first digits
  return {
    ...{ containerID, netns, ifName: 'eth0', capabilityArgs: {} },
    args: {
      IgnoreUnknown: '1',
      K8S_POD_NAMESPACE: 'default',
      K8S_POD_NAME: pod.name,
      K8S_POD_INFRA_CONTAINER_ID: containerID,
      K8S_POD_UID: pod.uid,
    },
  }
}
