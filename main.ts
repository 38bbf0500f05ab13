// The entry point of the single executable: argv[0], or the first argument, selects the part, which
// is loaded on demand.
import { writeSync } from 'node:fs'
import { outcomeOf, run, type Execute, type Plugin } from './lib/cni/plugin.js'
import type { ToWorker } from './daemons/agent/workers/messages.js'
import { VERSION_TEXT, versionOf } from './lib/version.js'

type Part = (argv: readonly string[]) => Promise<void>

const cni = <C>(load: () => Promise<{ plugin: Plugin<C> }>): Part => {
  return async argv => run(async io => outcomeOf((await load()).plugin, io), argv)
}

/** A plugin that hands its calls over to the node agent where one answers. */
const agentFirst = (load: () => Promise<{ execute: Execute }>): Part => {
  return async argv => run(async io => (await load()).execute(io), argv)
}

/**
 * The executable starts with the JIT restricted, since a plugin ends before compiling pays; a
 * daemon, and a command that reads thousands of objects, needs it.
 */
const daemon = (load: () => Promise<{ main: Part }>): Part => {
  return async argv => {
    Bun.unsafe.setJITPolicy(1)
    return (await load()).main(argv)
  }
}

/**
 * Names in /opt/cni/bin and on PATH; `spiderpool` and `macvlan` are plugin types of older confs.
 */
const PARTS: Readonly<Record<string, Part>> = {
  'macvlan-wrapper': cni(() => import('./plugins/macvlan-wrapper/main.js')),
  macvlan: cni(() => import('./plugins/macvlan-wrapper/main.js')),
  'spiderpool-ipam': agentFirst(() => import('./plugins/spiderpool-ipam/execute.js')),
  spiderpool: agentFirst(() => import('./plugins/spiderpool-ipam/execute.js')),
  coordinator: cni(() => import('./plugins/coordinator/main.js')),
  ifacer: cni(() => import('./plugins/ifacer/main.js')),
  'spiderpool-agent': daemon(async () => {
    const { main } = await import('./daemons/agent/main.js')
    // Here, because no daemon imports a plugin.
    return { main: argv => main(argv, async () => (await import('./plugins/spiderpool-ipam/main.js')).ipamPlugin) }
  }),
  'spiderpool-controller': daemon(() => import('./daemons/controller/main.js')),
  'spiderpool-init': async argv => (await import('./daemons/init/main.js')).main(argv),
  'spiderpool-install': async argv => (await import('./daemons/install/main.js')).main(argv),
  'spiderpool-apiserver': daemon(() => import('./daemons/apiserver/main.js')),
  spiderpoolctl: daemon(() => import('./cmd/ctl/main.js')),
  'kubectl-spiderpool': daemon(() => import('./cmd/ctl/main.js')),
}

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

async function start(): Promise<void> {
  const invokedAs = baseName(process.argv0)
  const args = process.argv.slice(2)
  const [name = '', ...argv] = PARTS[invokedAs] ? [invokedAs, ...args] : args
  const part = PARTS[name]
  if ((part ? argv : args).includes('--version')) return void writeSync(1, `${versionOf(part ? name : 'spiderpool')}\n`)
  if (part) return part(argv)
  writeSync(
    2,
    `${VERSION_TEXT}\nusage: one of ${Object.keys(PARTS).join(', ')}, as the name of the file or as the first argument\n`,
  )
  process.exitCode = 2
}

/** A thread of the node agent (daemons/agent/workers). */
async function startWorker(): Promise<void> {
  Bun.unsafe.setJITPolicy(1)
  const { serveCalls } = await import('./daemons/agent/workers/worker.js')
  serveCalls(
    {
      coordinator: async () => (await import('./plugins/coordinator/main.js')).plugin,
      'macvlan-wrapper': async () => (await import('./plugins/macvlan-wrapper/main.js')).plugin,
      ifacer: async () => (await import('./plugins/ifacer/main.js')).plugin,
    },
    {
      onIdle: () => Bun.gc(true),
      send: message => postMessage(message),
      onMessage: take => addEventListener('message', ({ data }: MessageEvent<ToWorker>) => take(data)),
    },
  )
}

void (Bun.isMainThread ? start() : startWorker())
