// A plugin that writes down what it is asked, and the edge of a call without a process, for the
// tests of the protocol.
import type { CniEnv } from '../../../lib/cni/env.js'
import { outcomeOf, type Call, type PluginIo, type Plugin } from '../../../lib/cni/plugin.js'
import { ALL_VERSIONS } from '../../../lib/cni/versions.js'

export const ENV: CniEnv = {
  CNI_COMMAND: 'ADD',
  CNI_CONTAINERID: 'some-container.id_1',
  CNI_NETNS: '/run/netns/pod',
  CNI_IFNAME: 'eth0',
  CNI_PATH: '/opt/cni/bin:/usr/lib/cni',
}

export const CONF = { cniVersion: '1.1.0', name: 'net', type: 'noop' } as const
export const PREV = { cniVersion: '1.1.0', ips: [{ address: '10.0.0.5/24' }] } as const

export interface Noop {
  readonly plugin: Plugin<unknown>
  readonly calls: Call<unknown>[]
}

export function noop(changes: Partial<Plugin<unknown>> = {}): Noop {
  const calls: Call<unknown>[] = []
  const note = (call: Call<unknown>): void => void calls.push(call)
  const plugin: Plugin<unknown> = {
    name: 'noop',
    about: 'noop 1',
    versions: ALL_VERSIONS,
    argKeys: ['IP'],
    accepts: raw => raw,
    add: call => (note(call), { ips: [{ address: '10.0.0.5/24' }] }),
    check: note,
    del: note,
    status: note,
    gc: note,
    ...changes,
  }
  return { plugin, calls }
}

export interface Asked {
  readonly env?: CniEnv
  /** Changes to a good conf; a string is the whole stdin. */
  readonly conf?: object | string
  readonly plugin?: Partial<Plugin<unknown>>
  readonly edge?: Partial<PluginIo>
}

export interface CallOutcome {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  /** stdout as one JSON document, '' for nothing. */
  readonly reply: unknown
  readonly calls: readonly Call<unknown>[]
}

/** The outcome of one call: a good one, but for what is changed. */
export async function ask({ env = {}, conf = {}, plugin = {}, edge = {} }: Asked): Promise<CallOutcome> {
  const { plugin: asked, calls } = noop(plugin)
  const stdin = typeof conf === 'string' ? conf : JSON.stringify({ ...CONF, prevResult: PREV, ...conf })
  const outcome = await outcomeOf(asked, {
    env: { ...ENV, ...env },
    readStdin: () => stdin,
    sameNetns: () => false,
    ...edge,
  })
  const isVersion = env['CNI_COMMAND'] === 'VERSION'
  return {
    ...outcome,
    calls,
    reply: outcome.stdout === '' || isVersion ? outcome.stdout : (JSON.parse(outcome.stdout) as unknown),
  }
}
