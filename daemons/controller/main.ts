// spiderpool-controller: keeps pools, records and addresses true to the cluster. Knows environment, flags, signals and sockets.
import { randomBytes } from 'node:crypto'
import { readFileSync, writeSync } from 'node:fs'
import { hostname } from 'node:os'
import { connectDaemon } from '../../lib/kube/open.js'
import { logTo, type Log } from '../../lib/log.js'
import { VERSION_TEXT } from '../../lib/version.js'
import { controllerOf, type Controller } from './controller.js'
import { flagsOf, USAGE } from './flags.js'
import { answerHealth, answerMetrics } from './http.js'
import { CONF_DEFAULT, confOf, settingsOf, unknownIn, type Conf, type Settings } from './settings.js'
import { printedWebhooks, startWebhooks } from './webhook-start.js'

const NAMESPACE_OUTSIDE = 'kube-system'

const confAt = (path: string | undefined): Conf =>
  path === undefined ? CONF_DEFAULT : confOf(Bun.YAML.parse(readFileSync(path, 'utf8')))

const seams = {
  now: () => performance.now(),
  clock: () => new Date(),
  random: () => Math.random(),
  suffix: () => randomBytes(8).toString('hex'),
  after(ms: number, call: () => void): () => void {
    const timer = setTimeout(call, ms)
    return () => clearTimeout(timer)
  },
  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const end = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, signal.aborted ? 0 : ms)
      signal.addEventListener('abort', end)
    })
  },
}

/** What listens, by what it is for. */
function listen(
  { health, metrics }: Controller,
  settings: Settings,
): ReadonlyMap<string, ReturnType<typeof Bun.serve>> {
  const { bindAddress, healthPort, metricsPort } = settings
  const at = (port: number): { port: number; hostname?: string } => ({
    port,
    ...(bindAddress !== '' && { hostname: bindAddress }),
  })
  const servers = new Map<string, ReturnType<typeof Bun.serve>>()
  servers.set('health', Bun.serve({ ...at(healthPort), fetch: request => answerHealth(request, health) }))
  if (settings.metrics)
    servers.set(
      'metrics',
      Bun.serve({ ...at(metricsPort), fetch: request => answerMetrics(request, () => metrics.text()) }),
    )
  return servers
}

async function serve(argv: readonly string[], log: (settings: Settings) => Log): Promise<void> {
  const { env } = process
  const settings = settingsOf(env, { namespace: NAMESPACE_OUTSIDE, podName: hostname() })
  const { configPath, tls, printsWebhooks } = flagsOf(argv)
  const conf = confAt(configPath)
  if (printsWebhooks) return void writeSync(1, printedWebhooks(settings, conf, env))
  const own = log(settings)
  for (const sentence of unknownIn(conf)) own.warn(sentence, { path: configPath })
  const ends = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => ends.abort())
  const kube = connectDaemon(env)
  const webhooks = await startWebhooks({ kube, settings, conf, log: own, tls, after: seams.after })
  const controller = controllerOf({ kube, settings, conf, env, log: own, signal: ends.signal, webhooks, seams })
  const servers = listen(controller, settings)
  const ports = Object.fromEntries([...servers].map(([name, { port }]) => [name, port]))
  own.info(`${VERSION_TEXT} begins`, { identity: settings.podName, namespace: settings.namespace, ports })
  try {
    await controller.run()
  } finally {
    await Promise.all([webhooks.stop(), ...[...servers.values()].map(server => server.stop(true))])
  }
  own.info('ended')
}

/** A line that nobody reads any more, or for which there is no room, is lost; the work goes on. */
function print(line: string): void {
  try {
    writeSync(1, line)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
  }
}

export async function main(argv: readonly string[]): Promise<void> {
  if (argv.includes('--help')) return void writeSync(1, USAGE)
  try {
    await serve(argv, ({ logLevel }) => logTo(print, logLevel))
  } catch (error) {
    writeSync(2, `spiderpool-controller: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}
