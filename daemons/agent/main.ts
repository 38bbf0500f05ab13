// spiderpool-agent: environment, flags, signals and ports around agent.ts.
import { readFileSync, writeSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { codeOf, messageOf } from '../../lib/errors.js'
import type { Connect, IpamClaim, KernelAccess } from '../../lib/ipam/cni/add-del.js'
import type { Call, Plugin } from '../../lib/cni/plugin.js'
import { AGENT_SOCKET } from '../../lib/agent/protocol.js'
import { sameNetns } from '../../lib/kernel/same-netns.js'
import { connect as connectKube, type Kube } from '../../lib/kube/client.js'
import { configOfDaemon } from '../../lib/kube/open.js'
import { logTo, type Log } from '../../lib/log.js'
import { familyOf, type Metrics } from '../../lib/metrics.js'
import { AGENT_METRICS } from './metrics.js'
import { VERSION_TEXT } from '../../lib/version.js'
import { acceptYaml } from '../runtime/conf-file.js'
import { kubeconfigIn } from '../install/kubeconfig.js'
import { answerHealth, answerMetrics } from '../runtime/health.js'
import { portFault } from '../runtime/port-fault.js'
import { Agent } from './agent.js'
import type { AgentPlugin } from './calls/run.js'
import { objectReader } from './object-reader.js'
import { agentKernel } from './kernel-access.js'
import { MultusFiles } from './multus/keep.js'
import { MULTUS_KUBECONFIG } from './multus/plan.js'
import { ALL_FILES, mountedFiles } from './node/node-files.js'
import { startDuties, type EndDuties } from './node/duties.js'
import { AccountKubeconfig, type KubeconfigDeps } from './node/kubeconfig.js'
import type { Clocks } from './node/token.js'
import { UninstallMark } from './node/uninstalling.js'
import { startThread } from './workers/start.js'
import type { WholeCallsParts } from './workers/whole-calls.js'
import { agentStore, type AgentStore } from './store/store.js'
import {
  AGENT_CONF_DEFAULT,
  agentConfOf,
  agentSettingsOf,
  configPathOf,
  USAGE,
  type AgentConf,
  type AgentSettings,
} from './settings.js'

/** ipamPlugin() of plugins/spiderpool-ipam; the root main.ts passes it. */
export type LoadIpam = () => Promise<
  (
    connect: Connect,
    options: {
      readonly kernelAccess?: (call: Call<unknown>) => KernelAccess
      readonly onClaim: (claim: IpamClaim) => void
    },
  ) => Plugin<unknown>
>

const CA_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/ca.crt'
/** Of a request that belongs to no call. */
const REQUEST_MS_MAX = 20_000
/** Records that are behind their answer; the controller repairs what is left. */
const FLUSH_MS_MAX = 2_000

type HttpServer = ReturnType<typeof Bun.serve>
type Answer = (request: Request) => Promise<Response> | Response

function confAt(path: string | undefined): AgentConf {
  if (path === undefined) return AGENT_CONF_DEFAULT
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new Error(`--config-path ${path} cannot be read: ${messageOf(error)}`)
  }
  return acceptYaml({ path, text, yaml: one => Bun.YAML.parse(one) }, agentConfOf)
}

/** @throws Error a sentence that names the variable and the port that cannot be had. */
function serveAt(variable: string, { port, hostname }: { port: number; hostname: string }, fetch: Answer): HttpServer {
  try {
    return Bun.serve({ port, ...(hostname !== '' && { hostname }), fetch })
  } catch (error) {
    throw new Error(portFault(variable, { port, hostname }, error))
  }
}

/** The health port comes first: of two agents on one node the second ends here. */
function listen(agent: Agent, settings: AgentSettings): ReadonlyMap<string, HttpServer> {
  const servers = new Map<string, HttpServer>()
  const { bindAddress, healthAddress, healthPort, metricsPort } = settings
  servers.set(
    'health',
    serveAt('SPIDERPOOL_HEALTH_PORT', { port: healthPort, hostname: healthAddress }, request =>
      answerHealth(request, agent.health),
    ),
  )
  if (!settings.metrics) return servers
  try {
    servers.set(
      'metrics',
      serveAt('SPIDERPOOL_METRIC_HTTP_PORT', { port: metricsPort, hostname: bindAddress }, request =>
        answerMetrics(request, () => agent.metrics.text()),
      ),
    )
  } catch (error) {
    for (const server of servers.values()) void server.stop(true)
    throw error
  }
  return servers
}

function describeStore(metrics: Metrics, store: AgentStore): void {
  metrics.counterFunc(familyOf(AGENT_METRICS, 'spiderpool_ipam_allocation_update_ippool_conflict_counts_total'), () => [
    [store.takenAddresses],
  ])
  metrics.gauge(familyOf(AGENT_METRICS, 'spiderpool_agent_pending_records'), () => [[store.pendingRecords]])
  metrics.gauge(familyOf(AGENT_METRICS, 'spiderpool_agent_untrusted_caches'), () =>
    store.untrusted().map(kind => [1, { kind }]),
  )
}

const within = (work: Promise<unknown>, ms: number): Promise<unknown> => {
  let timer: ReturnType<typeof setTimeout>
  const late = new Promise(resolve => (timer = setTimeout(resolve, ms)))
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

const pluginsOf = (loadIpam: LoadIpam, connect: Connect): ReadonlyMap<string, AgentPlugin> =>
  new Map([
    [
      'spiderpool-ipam',
      async claimed =>
        (await loadIpam())(connect, { kernelAccess: agentKernel, onClaim: claim => claimed(() => claim.undo()) }),
    ],
  ])

async function serve(argv: readonly string[], loadIpam: LoadIpam): Promise<void> {
  const { env } = process
  const conf = confAt(configPathOf(argv))
  const settings = agentSettingsOf(env, conf, hostname().toLowerCase())
  const log = logTo(print, settings.logLevel)
  const stopped = new Promise<NodeJS.Signals>(resolve => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal))
  })
  const { socket, nodeName: node, namespace } = settings
  const config = configOfDaemon(env)
  const live = (): Kube => connectKube(config, {}, {}, { ms: REQUEST_MS_MAX, of: 'a request of the agent' })
  const abort = new AbortController()
  const store = agentStore({ config, node: settings.nodeName, log, signal: abort.signal })
  const mark = new UninstallMark()
  const files = filesOf(settings, live, env)
  const agent = new Agent({
    ...{
      settings,
      conf,
      log,
      sameNetns,
      missing: () => store.missing(),
      fileFault: () => files.multus?.fault,
      read: objectReader(store, live),
    },
    plugins: pluginsOf(loadIpam, store.connect),
    whole: wholeOf(settings, log),
    uid: process.getuid?.() ?? 0,
    env: callEnv(settings, env),
  })
  const servers = listen(agent, settings)
  describeStore(agent.metrics, store)
  let endDuties: EndDuties = () => Promise.resolve()
  try {
    const watching = store.run()
    if (settings.node.removes !== 'nothing')
      void mark.run({
        kube: connectKube(config),
        ...{ namespace, name: settings.agentName, signal: abort.signal, log },
      })
    endDuties = await startDuties({ duties: settings.node, ...files, log })
    await agent.listen()
    const ports = Object.fromEntries([...servers].map(([name, { port }]) => [name, port]))
    log.info(`${VERSION_TEXT} begins`, { node, namespace, socket, ports })
    await Promise.race([stopped, watching])
  } finally {
    // The ports first: the next agent of this node may start while calls end.
    await Promise.all([...servers.values()].map(server => server.stop(true)))
    await endDuties(mark.isSet)
    await agent.drain()
    await within(store.flush(), FLUSH_MS_MAX)
    abort.abort() // the watches: what else keeps the process alive
  }
  log.info('ended')
}

interface NodeFiles {
  /** For executables without an agent, where it is asked for. */
  readonly fallback: AccountKubeconfig | undefined
  readonly multus: MultusFiles | undefined
}

function filesOf(settings: AgentSettings, kube: () => Kube, env: NodeJS.ProcessEnv): NodeFiles {
  const { node, namespace, nodeName, agentName } = settings
  const { confFolder, binFolder, multus } = node
  const now = (): number => performance.now()
  const clocks = (): Clocks => ({ wallMs: Date.now(), monotonicMs: now() })
  const deps: KubeconfigDeps = { kube, env, namespace, nodeName, caFile: CA_FILE, pid: process.pid, now: clocks }
  const target = multus && { path: join(multus.confFolder, MULTUS_KUBECONFIG), account: multus.account }
  return {
    fallback:
      confFolder === ''
        ? undefined
        : new AccountKubeconfig({ path: kubeconfigIn(confFolder), account: agentName }, deps),
    multus:
      multus &&
      target &&
      new MultusFiles({
        ...{ settings: multus.settings, folders: { confFolder: multus.confFolder, binFolder } },
        ...{ kubeconfig: new AccountKubeconfig(target, deps), now },
      }),
  }
}

function wholeOf({ wholePlugins, nodeFolders, pluginThreads, socket, node }: AgentSettings, log: Log): WholeCallsParts {
  return {
    off: wholePlugins ? undefined : 'does not run whole plugins (SPIDERPOOL_WHOLE_PLUGINS)',
    files: nodeFolders === undefined ? ALL_FILES : mountedFiles(nodeFolders),
    sockets: [AGENT_SOCKET, socket],
    sysctls: `${node.sysctlFolder}/`,
    workers: pluginThreads,
    start: startThread,
    giveUp: (why: string) => {
      log.error(`${why}; the agent ends`)
      process.exitCode = 1
      process.kill(process.pid, 'SIGTERM')
    },
  }
}

/** Variables of every call: those of the cluster, and the node's list of allowed folders. */
const callEnv = (
  { clusterNetwork, namespace }: AgentSettings,
  env: NodeJS.ProcessEnv,
): Readonly<Record<string, string>> => ({
  ...(clusterNetwork !== '' && { MULTUS_CLUSTER_NETWORK: clusterNetwork }),
  SPIDERPOOL_AGENT_NAMESPACE: namespace,
  ...(env['SPIDERPOOL_NODE_CONFIG'] !== undefined && { SPIDERPOOL_NODE_CONFIG: env['SPIDERPOOL_NODE_CONFIG'] }),
})

/** Writes a log line; one that stdout does not take (EPIPE, EAGAIN) is dropped. */
function print(line: string): void {
  try {
    writeSync(1, line)
  } catch (error) {
    if (codeOf(error) === '') throw error
  }
}

/** Runs until a signal. */
export async function main(argv: readonly string[], loadIpam: LoadIpam): Promise<void> {
  if (argv.includes('--help')) return void writeSync(1, USAGE)
  try {
    await serve(argv, loadIpam)
  } catch (error) {
    writeSync(2, `spiderpool-agent: ${messageOf(error)}\n`)
    process.exitCode = 1
  }
}
