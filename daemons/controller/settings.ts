// The controller's settings, from environment and ConfigMap; names and defaults are those of
// Spiderpool's Helm chart.
import type { Level } from '../../lib/log.js'
import type { LeaseTiming } from '../../lib/kube/lease.js'
import { nearest } from '../../lib/edit-distance.js'
import { ConfFileError } from '../runtime/conf-file.js'
import { level, type DaemonEnv as Env } from '../runtime/env.js'
import { envReader, type EnvReader } from '../runtime/options.js'
import { CONTROLLER_CONF, CONTROLLER_ENV } from './options.js'

export interface Reclaiming {
  readonly enabled: boolean
  /**
   * Terminating and finished pods without a stable identity, on nodes that are ready, and on nodes
   * that are not.
   */
  readonly onReadyNodes: boolean
  readonly onNotReadyNodes: boolean
  /** Running pods without an address in their status. */
  readonly runningWithoutAddress: boolean
  /** Concurrent deletes. */
  readonly workers: number
  /** Added to every grace period. */
  readonly delayMs: number
  /** Grace period of an address that no record names: its ADD may still be running. */
  readonly unrecordedMs: number
  /** Grace period in which the DEL of a ready node releases its addresses itself. */
  readonly releaseMs: number
  /** Period after which every address is reconciled again. */
  readonly resyncMs: number
}

export interface ControllerSettings {
  readonly namespace: string
  readonly podName: string
  readonly logLevel: Level
  /** '' is every address of the machine. */
  readonly bindAddress: string
  /**
   * Where health is served; bindAddress by default. The manifest sets 127.0.0.1 and its probes use
   * that.
   */
  readonly healthAddress: string
  readonly healthPort: number
  readonly metricsPort: number
  readonly webhookPort: number
  /** Name of the controller's Deployment, of its Service and of both webhook configurations. */
  readonly deployment: string
  /** Name of the Secret with the webhooks' certificates, where the controller makes them. */
  readonly secret: string
  /** Namespace and name of Cilium's ConfigMap. */
  readonly ciliumConfig: string
  readonly metrics: boolean
  /** Undefined: there is no console. */
  readonly consolePort: number | undefined
  readonly timing: LeaseTiming
  readonly reclaim: Reclaiming
}

/** conf.yml of the ConfigMap, read as the Go controller does: a missing key is false. */
export interface Conf {
  readonly enableIPv4: boolean
  readonly enableIPv6: boolean
  readonly enableStatefulSet: boolean
  readonly enableKubevirtStaticIP: boolean
  readonly enableSpiderSubnet: boolean
  readonly enableAutoPoolForApplication: boolean
  /**
   * Keep `status.allocatedIPs` of pools current for readers of the Go format; auto: where a Go
   * system is or was.
   */
  readonly projectAllocatedIPs: boolean | 'auto'
  /** All keys of the file, for parts that read further ones. */
  readonly raw: Readonly<Record<string, unknown>>
}

/** Without a file: every feature that needs no further configuration is on. */
export const CONF_DEFAULT: Conf = {
  enableIPv4: true,
  enableIPv6: true,
  enableStatefulSet: true,
  enableKubevirtStaticIP: true,
  enableSpiderSubnet: true,
  enableAutoPoolForApplication: true,
  projectAllocatedIPs: 'auto',
  raw: {},
}

/**
 * The configuration of a parsed conf.yml.
 * @throws ConfFileError for a value of another type; Error where it is no mapping.
 */
export function confOf(yaml: unknown): Conf {
  const isObject = typeof yaml === 'object' && yaml !== null && !Array.isArray(yaml)
  if (!isObject) throw new Error('the configuration file holds no YAML mapping; give key: value lines')
  const raw = yaml as Readonly<Record<string, unknown>>
  const flag = (key: keyof typeof CONTROLLER_CONF): boolean => {
    const value = raw[key] ?? CONTROLLER_CONF[key].default
    if (typeof value === 'boolean') return value
    throw new ConfFileError(key, `${key} of the configuration file is ${JSON.stringify(value)}; give true or false`)
  }
  return {
    enableIPv4: flag('enableIPv4'),
    enableIPv6: flag('enableIPv6'),
    enableStatefulSet: flag('enableStatefulSet'),
    enableKubevirtStaticIP: flag('enableKubevirtStaticIP'),
    enableSpiderSubnet: flag('enableSpiderSubnet'),
    enableAutoPoolForApplication: flag('enableAutoPoolForApplication'),
    projectAllocatedIPs:
      (raw['projectAllocatedIPs'] ?? CONTROLLER_CONF.projectAllocatedIPs.default) === 'auto'
        ? 'auto'
        : flag('projectAllocatedIPs'),
    raw,
  }
}

/**
 * Keys of Spiderpool's chart and of this controller; the Go agent's too, since one ConfigMap serves
 * both.
 */
const CONF_KEYS: readonly string[] = [
  ...Object.keys(CONTROLLER_CONF),
  ...['enableCleanOutdatedEndpoint', 'enableIPConflictDetection', 'enableGatewayDetection', 'ipamUnixSocketPath'],
  ...['tuneSysctlConfig', 'iaasNetworkProvider', 'agent'],
]
const INJECT_KEYS: readonly string[] = ['enabled', 'namespacesExclude', 'namespacesInclude']

/**
 * A sentence for each key of conf.yml without effect, with the most similar known key. Keys are
 * case-sensitive.
 */
export function unknownIn({ raw }: Pick<Conf, 'raw'>): readonly string[] {
  const { podResourceInject: inject } = raw
  const below = typeof inject === 'object' && inject !== null && !Array.isArray(inject) ? Object.keys(inject) : []
  return [
    ...Object.keys(raw).flatMap(key => unknownKey(key, CONF_KEYS, raw, '')),
    ...below.flatMap(key => unknownKey(key, INJECT_KEYS, inject as Conf['raw'], 'podResourceInject.')),
  ]
}

function unknownKey(key: string, known: readonly string[], among: Conf['raw'], where: string): readonly string[] {
  if (known.includes(key)) return []
  const meant = nearest(key, known)
  const hint = meant === undefined ? `known are ${known.join(', ')}` : `did you mean ${where}${meant}?`
  const isMissing = meant?.startsWith('enable') === true && among[meant] === undefined
  const missing = isMissing ? ` ${where}${meant} is missing and counts as false` : ''
  return [`${where}${key} of the configuration file is unknown and has no effect; ${hint}${missing}`]
}

/**
 * The settings of the environment; `outside` stands for the pod's namespace and name outside a
 * cluster.
 * @throws Error a sentence with the variable, its value and what is valid.
 */
export function settingsOf(
  env: Env,
  outside: { readonly namespace: string; readonly podName: string },
): ControllerSettings {
  const read = envReader(env, CONTROLLER_ENV)
  return {
    namespace: read.text('SPIDERPOOL_POD_NAMESPACE', outside.namespace),
    podName: read.text('SPIDERPOOL_POD_NAME', outside.podName),
    logLevel: level(env),
    bindAddress: read.optional('SPIDERPOOL_BIND_ADDRESS'),
    healthAddress: read.optional('SPIDERPOOL_HEALTH_ADDRESS') || read.optional('SPIDERPOOL_BIND_ADDRESS'),
    healthPort: read.number('SPIDERPOOL_HEALTH_PORT'),
    metricsPort: read.number('SPIDERPOOL_METRIC_HTTP_PORT'),
    webhookPort: read.number('SPIDERPOOL_WEBHOOK_PORT'),
    deployment: read.text('SPIDERPOOL_CONTROLLER_DEPLOYMENT_NAME'),
    secret: read.text('SPIDERPOOL_TLS_SECRET_NAME'),
    ciliumConfig: objectName('SPIDERPOOL_CILIUM_CONFIGMAP_NAMESPACE_NAME', read),
    metrics: read.flag('SPIDERPOOL_ENABLED_METRIC'),
    consolePort: consolePort(read.flag('SPIDERPOOL_CONSOLE_ENABLED'), read.number('SPIDERPOOL_CONSOLE_PORT')),
    timing: timingOf(read),
    reclaim: {
      enabled: read.flag('SPIDERPOOL_GC_IP_ENABLED'),
      onReadyNodes: read.flag('SPIDERPOOL_GC_STATELESS_TERMINATING_POD_ON_READY_NODE_ENABLED'),
      onNotReadyNodes: read.flag('SPIDERPOOL_GC_STATELESS_TERMINATING_POD_ON_NOT_READY_NODE_ENABLED'),
      runningWithoutAddress: read.flag('SPIDERPOOL_GC_ENABLE_STATELESS_RUNNING_POD_ON_EMPTY_POD_STATUS_IPS'),
      workers: Math.max(1, read.number('SPIDERPOOL_GC_IP_WORKER_NUM')),
      delayMs: read.ms('SPIDERPOOL_GC_ADDITIONAL_GRACE_DELAY'),
      unrecordedMs: read.ms('SPIDERPOOL_GC_UNRECORDED_GRACE'),
      releaseMs: read.ms('SPIDERPOOL_GC_RELEASE_GRACE'),
      resyncMs: Math.max(1000, read.ms('SPIDERPOOL_GC_DEFAULT_INTERVAL_DURATION')),
    },
  }
}

const consolePort = (isEnabled: boolean, port: number): number | undefined => (isEnabled ? port : undefined)

type Reader = EnvReader<typeof CONTROLLER_ENV>

function timingOf(read: Reader): LeaseTiming {
  const timing = {
    durationMs: read.ms('SPIDERPOOL_LEADER_DURATION'),
    renewDeadlineMs: read.ms('SPIDERPOOL_LEADER_RENEW_DEADLINE'),
    retryMs: read.ms('SPIDERPOOL_LEADER_RETRY_PERIOD'),
  }
  if (timing.durationMs > timing.renewDeadlineMs && timing.renewDeadlineMs > timing.retryMs && timing.retryMs > 0)
    return timing
  throw new Error(
    'SPIDERPOOL_LEADER_DURATION must be more than SPIDERPOOL_LEADER_RENEW_DEADLINE, and that more than SPIDERPOOL_LEADER_RETRY_PERIOD',
  )
}

/** `namespace/name`. */
function objectName(name: 'SPIDERPOOL_CILIUM_CONFIGMAP_NAMESPACE_NAME', read: Reader): string {
  const value = read.text(name)
  if (/^[^/]+\/[^/]+$/.test(value)) return value
  throw new Error(`${name} is "${value}"; give namespace/name, as in ${CONTROLLER_ENV[name].default}`)
}
