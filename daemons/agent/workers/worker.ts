// A thread of the agent: runs the plugins' own code, which changes the thread's network namespace
// and waits in the kernel. Many calls at once; what waits for time, frames or the agent, awaits.
import type { CallHost, HostRequest, HostResponse } from '../../../lib/cni/host.js'
import { messageOf } from '../../../lib/errors.js'
import { outcomeOf, type Plugin, type PluginOutcome } from '../../../lib/cni/plugin.js'
import { sameNetns } from '../../../lib/kernel/same-netns.js'
import type { FromWorker, ToWorker, WorkerCall } from './messages.js'

/** Plugins by name; the root main.ts passes them. */
export type LoadPlugins = Readonly<Record<string, () => Promise<Plugin<unknown>>>>

export interface WorkerPort {
  send(message: FromWorker): void
  onMessage(handler: (message: ToWorker) => void): void
  /** The thread has had no call for a while: its memory can be collected. */
  onIdle(): void
}

const IDLE_MS = 2_000

/** Serves the calls that come through the port, until the thread is ended. */
export function serveCalls(plugins: LoadPlugins, port: WorkerPort): void {
  const waiting = new Map<number, (response: HostResponse) => void>()
  let requests = 0
  let running = 0
  let idle: ReturnType<typeof setTimeout> | undefined
  const ended = (): void => {
    running--
    clearTimeout(idle)
    if (running === 0) idle = setTimeout(() => port.onIdle(), IDLE_MS)
  }
  const ask = (request: HostRequest): Promise<HostResponse> =>
    new Promise(resolve => {
      const id = ++requests
      waiting.set(id, resolve)
      port.send({ kind: 'request', id, request })
    })
  port.onMessage(message => {
    switch (message.kind) {
      case 'ping':
        return port.send({ kind: 'pong' })
      case 'response':
        waiting.get(message.id)?.(message.response)
        return void waiting.delete(message.id)
      case 'call': {
        const { id, call } = message
        running++
        return void outcomeIn(plugins, call, ask).then(outcome => {
          port.send({ kind: 'outcome', id, outcome })
          ended()
        })
      }
    }
  })
  port.send({ kind: 'pong' }) // from now on messages are heard
}

async function outcomeIn(
  plugins: LoadPlugins,
  { plugin: name, env, stdin, sysctls }: WorkerCall,
  ask: CallHost['ask'],
): Promise<PluginOutcome> {
  let warned = ''
  const host: CallHost = { ask, sysctls, warn: text => void (warned += text) }
  try {
    const load = Object.hasOwn(plugins, name) ? plugins[name] : undefined
    if (load === undefined) throw new Error(`the agent has no plugin ${name}`)
    const outcome = await outcomeOf(await load(), { env, readStdin: () => stdin, sameNetns, host })
    return { ...outcome, stderr: `${warned}${outcome.stderr}` }
  } catch (error) {
    return { exitCode: 1, stdout: '', stderr: `${messageOf(error)}\n` }
  }
}
