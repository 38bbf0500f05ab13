// spiderpool-controller: environment, flags, signals and sockets around controller.ts.
import { codeOf, messageOf } from '../../lib/errors.js'
import { randomBytes } from 'node:crypto'
import { readFileSync, writeSync } from 'node:fs'
import { hostname } from 'node:os'
import type { Kube } from '../../lib/kube/client.js'
import { connectDaemon } from '../../lib/kube/open.js'
import { logTo, type Log } from '../../lib/log.js'
import { Metrics } from '../../lib/metrics.js'
import { countedFetch } from './request-metrics.js'
import { VERSION, VERSION_TEXT } from '../../lib/version.js'
import { confIn } from './conf-file.js'
import { applyCrds } from './crds/apply.js'
import type { Crd } from './crds/decide.js'
import { clean } from './clean.js'
import { controllerOf, LEASE, type Controller } from './controller.js'
import { parseFlags, USAGE, type CleanFlags } from './flags.js'
import { CONSOLE_ADDRESS, type LoadConsole, type OpenedConsole } from './console.js'
import { flag } from '../runtime/env.js'
import { answerHealth, answerMetrics } from '../runtime/health.js'
import { CONF_DEFAULT, settingsOf, unknownIn, type Conf, type ControllerSettings } from './settings.js'
import { portFault } from '../runtime/port-fault.js'
import { podsIn } from './webhooks/pods-conf.js'
import { isOf130, printedNodePolicy, printedWebhooks, startWebhooks, type Webhooks } from './webhooks/start.js'

const NAMESPACE_OUTSIDE = 'kube-system'

function confAt(path: string | undefined): Conf {
  if (path === undefined) return CONF_DEFAULT
  return confIn(textOf(path), path, text => Bun.YAML.parse(text))
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Error(`--config-path ${path} cannot be read: ${messageOf(error)}`)
  }
}

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

type HttpServer = ReturnType<typeof Bun.serve>
type Limits = { readonly idleTimeout?: number; readonly maxRequestBodySize?: number }
type Answer = (request: Request) => Promise<Response> | Response

/** @throws Error a sentence that names the variable and the port that cannot be had. */
function serveAt(variable: string, port: number, hostname: string, fetch: Answer, limits: Limits = {}): HttpServer {
  try {
    return Bun.serve({ port, ...(hostname !== '' && { hostname }), fetch, ...limits })
  } catch (error) {
    throw new Error(portFault(variable, { port, hostname }, error))
  }
}

/**
 * Starts the health and metrics servers. Each is in `servers` as soon as it listens, so that a
 * later failure closes it.
 */
function listen({ health, metrics }: Controller, settings: ControllerSettings, servers: Map<string, HttpServer>): void {
  const { bindAddress, healthAddress, healthPort, metricsPort } = settings
  servers.set(
    'health',
    serveAt('SPIDERPOOL_HEALTH_PORT', healthPort, healthAddress, request => answerHealth(request, health)),
  )
  if (settings.metrics)
    servers.set(
      'metrics',
      serveAt('SPIDERPOOL_METRIC_HTTP_PORT', metricsPort, bindAddress, request =>
        answerMetrics(request, () => metrics.text()),
      ),
    )
}

/**
 * Asked only where pods are injected. If the API server does not answer, the configuration is one
 * that every version accepts.
 */
async function hasMatchConditions({ raw }: Conf): Promise<boolean> {
  if (podsIn(raw['podResourceInject']) === undefined) return false
  try {
    return await isOf130(connectDaemon(process.env))
  } catch (error) {
    writeSync(
      2,
      `spiderpool-controller: the API server's version is not known, so pods have failurePolicy Ignore: ${messageOf(error)}\n`,
    )
    return false
  }
}

async function applyBuiltinCrds(kube: Kube, log: Log): Promise<void> {
  const { BUILTIN_CRDS } = await import('../../schemas/crds/embedded.js')
  const crds = BUILTIN_CRDS.map(text => Bun.YAML.parse(text) as Crd) // files of this repository
  await applyCrds(crds, { kube, log, version: VERSION, sleep: ms => Bun.sleep(ms) })
}

async function cleanUp(names: CleanFlags, settings: ControllerSettings, log: Log): Promise<void> {
  const { env } = process
  const agents = flag(env, 'SPIDERPOOL_CLEAN_NODES', false) ? env['SPIDERPOOL_AGENT_NAME'] || 'spiderpool-agent' : ''
  const { namespace, deployment, secret } = settings
  const ownsSecret = flag(env, 'SPIDERPOOL_CLEAN_SECRET', true)
  const deletesResources = flag(env, 'SPIDERPOOL_CLEAN_RESOURCES', false)
  const plan = { ...names, namespace, deployment, lease: LEASE, agents, deletesResources }
  const more = { secret: ownsSecret ? secret : '', initJob: env['SPIDERPOOL_INIT_NAME'] ?? '' }
  await clean({ ...plan, ...more }, { kube: connectDaemon(env), log, sleep: ms => Bun.sleep(ms) })
  log.info(deletesResources ? 'all removed' : 'pools, records and CRDs stay; kubectl delete removes them')
}

/** The console on the controller's caches, where it is switched on. */
async function serveConsole(
  { cache, missing }: Controller,
  { settings, kube, log, load, servers }: ConsoleParts,
): Promise<OpenedConsole | undefined> {
  const { consolePort, namespace } = settings
  if (consolePort === undefined) return undefined
  const name = process.env['SPIDERPOOL_AGENT_NAME'] || 'spiderpool-agent'
  const { openConsole, limits } = await load()
  const opened = openConsole({ cache, missing, kube, agent: { namespace, name }, log })
  servers.set('console', serveAt('SPIDERPOOL_CONSOLE_PORT', consolePort, CONSOLE_ADDRESS, opened.answer, limits))
  return opened
}

interface ConsoleParts {
  readonly settings: ControllerSettings
  readonly kube: Kube
  readonly log: Log
  readonly load: LoadConsole
  readonly servers: Map<string, HttpServer>
}

interface Start {
  readonly log: (settings: ControllerSettings) => Log
  readonly loadConsole: LoadConsole
}

async function serve(argv: readonly string[], { log, loadConsole: load }: Start): Promise<void> {
  const { env } = process
  const settings = settingsOf(env, { namespace: NAMESPACE_OUTSIDE, podName: hostname() })
  const { configPath, tls, prints, cleans } = parseFlags(argv)
  if (cleans) return cleanUp(cleans, settings, log(settings))
  const conf = confAt(configPath)
  if (prints === 'node-policy') return void writeSync(1, printedNodePolicy(settings))
  if (prints === 'webhooks')
    return void writeSync(1, printedWebhooks(settings, conf, env, await hasMatchConditions(conf)))
  const logger = log(settings)
  for (const sentence of unknownIn(conf)) logger.warn(sentence, { path: configPath })
  const abort = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => abort.abort())
  const metrics = new Metrics()
  const kube = connectDaemon(env, { fetch: countedFetch(metrics) })
  const servers = new Map<string, HttpServer>()
  let webhooks: Webhooks | undefined
  try {
    await applyBuiltinCrds(kube, logger)
    webhooks = await startWebhooks({ kube, settings, conf, log: logger, metrics, tls, after: seams.after })
    let opened: OpenedConsole | undefined
    const observe = settings.consolePort === undefined ? undefined : (...of: Observed) => opened?.observe(...of)
    const parts = { kube, settings, conf, env, log: logger, signal: abort.signal, webhooks, seams, observe }
    const controller = controllerOf({ ...parts, metrics })
    listen(controller, settings, servers)
    opened = await serveConsole(controller, { settings, kube, log: logger, load, servers })
    const ports = Object.fromEntries([...servers].map(([name, { port }]) => [name, port]))
    logger.info(`${VERSION_TEXT} begins`, { identity: settings.podName, namespace: settings.namespace, ports })
    await controller.run()
  } finally {
    abort.abort() // stops what else keeps the process alive
    await Promise.all([webhooks?.stop(), ...[...servers.values()].map(server => server.stop(true))])
  }
  logger.info('ended')
}

/** Writes a log line; one that stdout does not take (EPIPE, EAGAIN) is dropped. */
function print(line: string): void {
  try {
    writeSync(1, line)
  } catch (error) {
    if (codeOf(error) === '') throw error
  }
}

type Observed = Parameters<OpenedConsole['observe']>

export async function main(argv: readonly string[], loadConsole: LoadConsole): Promise<void> {
  if (argv.includes('--help')) return void writeSync(1, USAGE)
  try {
    await serve(argv, { log: ({ logLevel }) => logTo(print, logLevel), loadConsole })
  } catch (error) {
    writeSync(2, `spiderpool-controller: ${messageOf(error)}\n`)
    process.exitCode = 1
  }
}
