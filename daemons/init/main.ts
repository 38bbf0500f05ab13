// spiderpool-init: creates the objects of a fresh installation once, and exits. Effects; plan.ts
// decides.
import { codeOf, messageOf } from '../../lib/errors.js'
import { readdirSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Kube } from '../../lib/kube/client.js'
import { isAlreadyExists, isNotFound, KubeError } from '../../lib/kube/errors.js'
import { SERVICE_ENDPOINTS } from '../../lib/kube/kinds.js'
import { connectDaemon } from '../../lib/kube/open.js'
import { logTo, type Log } from '../../lib/log.js'
import { VERSION_TEXT } from '../../lib/version.js'
import { check } from './check.js'
import { networkIn, planOf, type Creation, type InitEnv } from './plan.js'

/**
 * Retries without end: a CRD or the webhooks' server appears eventually. An error that a retry
 * cannot cure ends it.
 */
const RETRY_MS_MIN = 250
const RETRY_MS_MAX = 1_000
/** Statuses of an invalid object, from the API server or a webhook. */
const FATAL_STATUSES = [400, 413, 422]

async function keepTrying(what: string, log: Log, signal: AbortSignal, work: () => Promise<boolean>): Promise<void> {
  for (let retryMs = RETRY_MS_MIN; !signal.aborted; retryMs = Math.min(2 * retryMs, RETRY_MS_MAX)) {
    try {
      if (await work()) return
    } catch (error) {
      if (!(error instanceof KubeError) || FATAL_STATUSES.includes(error.status) || error.reason === 'BadConfig')
        throw error
      log.warn(`${what}, again in ${retryMs / 1000} s: ${error.message}`)
    }
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, signal.aborted ? 0 : retryMs)
      signal.addEventListener('abort', () => {
        clearTimeout(timer)
        resolve()
      })
    })
  }
  throw new Error(`ended by a signal before this was done: ${what}`)
}

/**
 * Whether a controller replica is ready behind its Service: before that, admission rejects every
 * object.
 */
async function isControllerReady(kube: Kube, env: InitEnv): Promise<boolean> {
  const [namespace, name] = [env['SPIDERPOOL_NAMESPACE'] ?? '', env['SPIDERPOOL_CONTROLLER_NAME'] ?? '']
  if (namespace === '' || name === '') return true
  try {
    // A subset may have replicas that are not ready, and no others.
    const { subsets = [] } = await kube.get<{ readonly subsets?: readonly { readonly addresses?: object }[] }>(
      SERVICE_ENDPOINTS,
      { namespace, name },
    )
    return subsets.some(({ addresses }) => addresses !== undefined)
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
}

async function create(kube: Kube, { kind, object }: Creation, log: Log): Promise<boolean> {
  const name = `${object.kind} ${object.metadata.name}`
  try {
    await kube.create(kind, object)
    log.info(`created ${name}`)
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
    log.info(`${name} exists already and is left unchanged`)
  }
  return true
}

/**
 * The network's name in the first CNI conf file by name, the one that the container runtime uses.
 * Not Multus' own, which our agent writes and which sorts first.
 */
function networkOf(folder: string): string | undefined {
  if (folder === '') return undefined
  const [first] = namesIn(folder)
    .filter(file => /\.(conf|conflist|json)$/.test(file) && !file.includes('multus'))
    .sort()
  return first === undefined ? undefined : networkIn(readFileSync(join(folder, first), 'utf8'))
}

const USAGE = `usage: spiderpool-init [check]
  Creates what SPIDERPOOL_INIT_… names, once, and exits. check: exits with status 1 where the installation is not complete. Outside a cluster KUBECONFIG names the API server.
`

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [] // a node without a network yet
    const words = messageOf(error)
    throw new Error(
      `SPIDERPOOL_INIT_DEFAULT_CNI_DIR ${folder} cannot be read: ${words}; mount the node's /etc/cni/net.d there`,
    )
  }
}

const print = (line: string): void => void writeSync(1, line)

async function serve(argv: readonly string[], env: InitEnv): Promise<void> {
  if (argv[0] === '--help') return void writeSync(1, USAGE)
  if (argv[0] === 'check' && argv.length === 1) return check(connectDaemon(env), env, logTo(print, 'info'))
  if (argv[0] !== undefined) throw new Error(`unknown argument ${JSON.stringify(argv[0])}; see --help`)
  const log = logTo(print, 'info')
  log.info(`${VERSION_TEXT} begins`)
  const abort = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => abort.abort())
  const creations = planOf(env, networkOf((env['SPIDERPOOL_INIT_DEFAULT_CNI_DIR'] ?? '').replaceAll('"', '')))
  const kube = connectDaemon(env)
  await keepTrying('waiting for the controller', log, abort.signal, () => isControllerReady(kube, env))
  for (const creation of creations)
    await keepTrying(`creating ${creation.object.kind} ${creation.object.metadata.name}`, log, abort.signal, () =>
      create(kube, creation, log),
    )
  log.info(`all ${creations.length} objects exist`)
}

export async function main(argv: readonly string[]): Promise<void> {
  try {
    await serve(argv, process.env)
  } catch (error) {
    writeSync(2, `spiderpool-init: ${messageOf(error)}\n`)
    process.exitCode = 1
  }
}
