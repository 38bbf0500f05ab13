// The entry point of the single executable: argv[0], or the first argument, selects the part, which
// is loaded on demand.
import { writeSync } from 'node:fs'
import type { ToWorker } from './daemons/agent/workers/messages.js'
import { VERSION_TEXT, versionOf } from './lib/version.js'

type Part = (argv: readonly string[]) => Promise<void>

const program = (load: () => Promise<{ main: Part }>): Part => {
  return async argv => (await load()).main(argv)
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
  'macvlan-wrapper': program(() => import('./plugins/macvlan-wrapper/program.js')),
  macvlan: program(() => import('./plugins/macvlan-wrapper/program.js')),
  'spiderpool-ipam': program(() => import('./plugins/spiderpool-ipam/program.js')),
  spiderpool: program(() => import('./plugins/spiderpool-ipam/program.js')),
  coordinator: program(() => import('./plugins/coordinator/program.js')),
  ifacer: program(() => import('./plugins/ifacer/program.js')),
  'spiderpool-agent': daemon(async () => {
    const { main } = await import('./daemons/agent/main.js')
    // Here, because no daemon imports a plugin.
    return { main: argv => main(argv, async () => (await import('./plugins/spiderpool-ipam/main.js')).ipamPlugin) }
  }),
  'spiderpool-controller': daemon(async () => {
    const { main } = await import('./daemons/controller/main.js')
    // Here, because no daemon imports the command line.
    return { main: argv => main(argv, () => import('./cmd/ctl/console/source.js')) }
  }),
  'spiderpool-init': program(() => import('./daemons/init/main.js')),
  'spiderpool-install': program(() => import('./daemons/install/main.js')),
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
