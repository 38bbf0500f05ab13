// Starts the webhooks: reviewers, server, certificate; and prints their configurations.
import { messageOf } from '../../../lib/errors.js'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { AdmissionSwitches } from '../../../lib/crd/rules.js'
import type { Kube } from '../../../lib/kube/client.js'
import { isNotFound } from '../../../lib/kube/errors.js'
import type { Kind } from '../../../lib/kube/kinds.js'
import type { Log } from '../../../lib/log.js'
import type { Metrics } from '../../../lib/metrics.js'
import { reviewers } from './admit.js'
import type { ControllerFlags } from '../flags.js'
import { podsIn } from './pods-conf.js'
import { envReader } from '../../runtime/options.js'
import { CONTROLLER_ENV } from '../options.js'
import type { Conf, ControllerSettings } from '../settings.js'
import { boundedLimiter } from '../runtime/limiter.js'
import { countVerdicts } from './metrics.js'
import { answerWebhook, REVIEWS_MAX, WAITING_MAX } from './http.js'
import { WebhookServer, type Serving } from './server.js'
import { webhookConfigurations } from './configurations.js'
import { nodePolicy } from './node-policy.js'

/** The kubelet replaces mounted files without an event, so they are polled. */
const POLL_MS = 5_000

export interface WebhookDeps {
  readonly kube: Kube
  readonly settings: ControllerSettings
  readonly conf: Conf
  readonly log: Log
  readonly metrics: Metrics
  readonly tls: ControllerFlags['tls']
  readonly after: (ms: number, call: () => void) => () => void
}

export interface Webhooks {
  /** Undefined where the certificate comes from files. */
  readonly serving: Serving | undefined
  /** Set where it does: returns the CA beside it (PEM), undefined while there is no such file. */
  readonly authority: (() => string | undefined) | undefined
  readonly check: () => Promise<string | undefined>
  /** When the served certificate expires, in ms since 1970; undefined while there is none. */
  readonly expiresAtMs: () => number | undefined
  readonly stop: () => Promise<void>
}

/**
 * Starts the server; after a failure nothing stays open.
 * @throws Error where the port is taken, or the certificate's files cannot be used.
 */
export async function startWebhooks({
  kube,
  settings,
  conf,
  log,
  metrics,
  tls,
  after,
}: WebhookDeps): Promise<Webhooks> {
  const { webhookPort: port, bindAddress } = settings
  const limit = boundedLimiter(REVIEWS_MAX, WAITING_MAX)
  const onVerdict = countVerdicts(metrics)
  const answering = { reviewers: reviewers(kube, switchesOf(conf)), limit, log, after, onVerdict }
  const server = new WebhookServer({
    port,
    ...(bindAddress !== '' && { hostname: bindAddress }),
    fetch: request => answerWebhook(request, answering),
    onPort: served => log.info('the webhooks are served', { port: served }),
  })
  const common = { check: () => server.check(), expiresAtMs: () => server.expiresAtMs }
  try {
    await server.listen()
    return tls
      ? await fromFiles(server, tls, { log, after, ...common })
      : { serving: server, authority: undefined, ...common, stop: () => server.stop() }
  } catch (error) {
    await server.stop() // otherwise its socket keeps the process alive
    throw error
  }
}

/** Serves the certificate from files: read now and again when they change. */
async function fromFiles(
  server: WebhookServer,
  tls: NonNullable<ControllerFlags['tls']>,
  { log, after, ...common }: Pick<WebhookDeps, 'log' | 'after'> & Pick<Webhooks, 'check' | 'expiresAtMs'>,
): Promise<Webhooks> {
  const read = (): Promise<void> => {
    const [certificate, key] = [readFileSync(tls.certificate, 'utf8'), readFileSync(tls.key, 'utf8')]
    return server.use({ certificate, key, ca: undefined })
  }
  const fault = await faultOf(read)
  if (fault !== '') throw new Error(`--tls-server-cert ${tls.certificate} with --tls-server-key ${tls.key}: ${fault}`)
  let cancel = (): void => {}
  let lastFault = ''
  const poll = async (): Promise<void> => {
    const fault = await faultOf(read)
    if (fault !== '' && fault !== lastFault) log.warn(`the webhooks keep their certificate: ${fault}`)
    lastFault = fault
    cancel = after(POLL_MS, () => void poll())
  }
  cancel = after(POLL_MS, () => void poll())
  return {
    serving: undefined,
    authority: () => authorityBeside(tls.certificate),
    ...common,
    stop() {
      cancel()
      return server.stop()
    },
  }
}

/** The message of what `work` throws; '' where it succeeds. */
async function faultOf(work: () => Promise<void>): Promise<string> {
  try {
    await work()
    return ''
  } catch (error) {
    return messageOf(error)
  }
}

/** The CA in `ca.crt`, the key that cert-manager uses in Secrets. */
function authorityBeside(certificate: string): string | undefined {
  const path = join(dirname(certificate), 'ca.crt')
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}

const switchesOf = ({ enableIPv4, enableIPv6, enableSpiderSubnet, raw }: Conf): AdmissionSwitches => ({
  ...{ enableIPv4, enableIPv6, enableSpiderSubnet },
  keepsUsed: raw['enableValidatingResourcesDeletedWebhook'] === true,
})

type Env = Readonly<Record<string, string | undefined>>

/** The output of `spiderpool-controller webhooks`: a List for kubectl. */
export function printedWebhooks(
  settings: ControllerSettings,
  { raw }: Conf,
  env: Env,
  hasMatchConditions = false,
): string {
  const read = envReader(env, CONTROLLER_ENV)
  const items = webhookConfigurations({
    name: settings.deployment,
    namespace: settings.namespace,
    port: settings.webhookPort,
    without: [
      ...(read.flag('SPIDERPOOL_COORDINATOR_ENABLED') ? [] : ['spidercoordinators']),
      ...(read.flag('SPIDERPOOL_MULTUS_CONFIG_ENABLED') ? [] : ['spidermultusconfigs']),
    ],
    pods: podsIn(raw['podResourceInject']),
    hasMatchConditions,
  })
  return `${JSON.stringify({ apiVersion: 'v1', kind: 'List', items }, null, 2)}\n`
}

/**
 * The output of `spiderpool-controller node-policy`, the same as deploy/node-policy.yaml: a List
 * for kubectl.
 */
export function printedNodePolicy({ namespace }: ControllerSettings): string {
  const items = nodePolicy({ namespace, account: 'spiderpool-agent' })
  return `${JSON.stringify({ apiVersion: 'v1', kind: 'List', items }, null, 2)}\n`
}

const POLICIES: Kind = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicy',
  plural: 'validatingadmissionpolicies',
  namespaced: false,
}

/**
 * Whether the API server is Kubernetes 1.30 or later, where matchConditions and
 * ValidatingAdmissionPolicy are stable.
 * @throws KubeError
 */
export async function isOf130(kube: Kube): Promise<boolean> {
  try {
    await kube.list(POLICIES, { limit: 1 })
    return true
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
}
