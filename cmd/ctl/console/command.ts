// `console`: serves the console of a cluster on this machine until Ctrl-C.
import { codeOf, messageOf } from '../../../lib/errors.js'
import type { Log } from '../../../lib/log.js'
import type { SpiderIPPool } from '../../../lib/crd/types.js'
import { SPIDER_IPPOOLS } from '../../../lib/kube/kinds.js'
import { Informers } from '../../../daemons/runtime/informer.js'
import { Outage } from '../../../daemons/runtime/outage-log.js'
import type { CtlCommand } from '../context.js'
import { CtlError } from '../status.js'
import { CONSOLE_SOURCES, consoleOn, limits } from './source.js'

interface ConsoleOptions {
  readonly port?: string
}

const ADDRESS = '127.0.0.1'
const PORT_MAX = 65_535

/** `console`. */
export const console: CtlCommand<ConsoleOptions> = async (context, _args, options) => {
  const { cluster, warn } = context
  const port = portOf(options.port)
  // A wrong kubeconfig, or a cluster without Spiderpool, is a sentence now and not in the page.
  await cluster.all<SpiderIPPool>(SPIDER_IPPOOLS, { metadataOnly: true })
  const signal = context.interruptible()
  const log = logOf(warn)
  const informers: Informers = new Informers(CONSOLE_SOURCES, {
    kube: cluster.kube,
    log,
    signal,
    outage: new Outage(log, () => performance.now()),
    sleep: (ms, aborted) => sleep(ms, aborted),
    onChange: (source, change) => opened.observe(source, change),
    onSynced: () => undefined,
  })
  const opened = consoleOn({
    cache: informers,
    missing: () => informers.missing(),
    base: cluster,
    onFailure: (path, message) => warn(`${path}: ${message}`),
  })
  const server = serve(port, opened.answer)
  context.print(`http://${ADDRESS}:${server.port}/\n`)
  warn('this page shows what this user may read, to every user of this machine; Ctrl-C ends it')
  try {
    await informers.run()
  } finally {
    await server.stop(true)
  }
  return 'ok'
}

/** @throws CtlError `usage` */
function portOf(text = '0'): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= PORT_MAX) return port
  throw new CtlError('usage', `--port is "${text}"; give a number from 1 to ${PORT_MAX}, or 0 for a free port`)
}

function serve(port: number, fetch: (request: Request) => Promise<Response>): ReturnType<typeof Bun.serve> {
  try {
    return Bun.serve({ port, hostname: ADDRESS, fetch, ...limits })
  } catch (error) {
    const why = codeOf(error) === 'EADDRINUSE' ? 'is in use' : `cannot be had: ${messageOf(error)}`
    throw new CtlError('usage', `--port ${port} ${why}; give another one, or none for a free port`, { cause: error })
  }
}

/** Warnings and errors only: the user looks at the page. */
function logOf(warn: (sentence: string) => void): Log {
  const quiet = (): void => undefined
  const say = (sentence: string): void => warn(sentence)
  return { debug: quiet, info: say, warn: say, error: say }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, signal.aborted ? 0 : ms)
    signal.addEventListener('abort', end)
  })
}
