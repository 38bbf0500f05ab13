// What commands read of a cluster: one client, paginated lists, sentences for what is denied.
import { connect, type Kube } from '../../lib/kube/client.js'
import type { ClusterConfig } from '../../lib/kube/config.js'
import { isForbidden, isNotFound, isUnauthorized, KubeError } from '../../lib/kube/errors.js'
import { apiVersionOf, type Kind, type ObjectKey } from '../../lib/kube/kinds.js'
import { decode } from '../../lib/kube/json.js'
import { LIMITS, Requests } from '../../lib/kube/request.js'
import type { ListOptions } from '../../lib/kube/list.js'
import { configOfUser, type UserChoice } from '../../lib/kube/open.js'
import { CtlError } from './status.js'

/** Objects of a page: its text and its objects are in memory at the same time. */
const PAGE_MAX = 1_000
/** A person waits: a server that does not answer is reported after this. */
const REQUEST_MS = 5_000

export interface Cluster {
  readonly kube: Kube
  /** Of -n, else of the context. */
  readonly namespace: string
  /** Undefined: Not Found. */
  find<T>(kind: Kind, ref: ObjectKey): Promise<T | undefined>
  /** Every object of the kind, page by page; `slim` takes of each what is needed. */
  all<T>(kind: Kind, options?: Omit<ListOptions, 'limit' | 'continue'>, slim?: (item: T) => T): Promise<readonly T[]>
  /**
   * What the server answers to a GET of a path that is no object: a log, /version.
   * @throws KubeError
   */
  text(path: string): Promise<string>
  /** Undefined, after a warning, where the user may not read it or it is not served. */
  ifAllowed<T>(kind: Kind, reading: Promise<T>): Promise<T | undefined>
}

export interface ClusterChoice extends UserChoice {
  readonly namespace: string | undefined
  readonly warn: (sentence: string) => void
}

/** @throws CtlError where the kubeconfig cannot be used */
export function openCluster(choice: ClusterChoice): Cluster {
  const config = configOf(choice)
  const kube = connect(config, {}, { requestMs: REQUEST_MS })
  return {
    kube,
    namespace: choice.namespace ?? config.namespace ?? 'default',
    async find<T>(kind: Kind, ref: ObjectKey) {
      try {
        return await kube.get<T>(kind, ref)
      } catch (error) {
        if (!isNotFound(error)) throw error
        if (isUnserved(error, ref)) throw await notInstalled(kind, error, config)
        return undefined
      }
    },
    all: (kind, options, slim) => allOf(kube, kind, { ...options, config }, slim),
    text: path => textAt(config, path),
    async ifAllowed<T>(kind: Kind, reading: Promise<T>) {
      try {
        return await reading
      } catch (error) {
        if (!isForbidden(error) && !isNotFound(error) && !(error instanceof CtlError)) throw error
        const why = isForbidden(error) ? `this user may not read ${kind.plural}` : `the cluster has no ${kind.plural}`
        choice.warn(`${why}; what depends on them is left out`)
        return undefined
      }
    },
  }
}

function configOf(choice: UserChoice): ClusterConfig {
  try {
    return configOfUser(choice)
  } catch (error) {
    if (!(error instanceof KubeError)) throw error
    // The remedies of a CNI conf name its key.
    throw new CtlError('usage', error.message.replaceAll('ipam.kubeconfig', '--kubeconfig'), { cause: error })
  }
}

const TEXT_MS = 30_000
const TEXT_BYTES_MAX = 16 * 1024 * 1024

/** One try: a person repeats it. */
async function textAt(config: ClusterConfig, path: string): Promise<string> {
  const deps = { fetch, sleep: (ms: number) => Bun.sleep(ms), random: () => 0, now: () => performance.now() }
  const requests = new Requests(config, deps, { ...LIMITS, answerBytes: TEXT_BYTES_MAX })
  const request = { method: 'GET', path, timeoutMs: TEXT_MS, accept: '*/*' } as const
  const response = await requests.open(request, AbortSignal.timeout(TEXT_MS))
  const text = await requests.textOf(response)
  if (response.ok) return text
  const status = decode(text) as { readonly message?: string; readonly reason?: string } | undefined
  throw new KubeError(response.status, status?.reason ?? '', status?.message ?? `${path}: status ${response.status}`)
}

async function allOf<T>(
  kube: Kube,
  kind: Kind,
  { config, ...options }: Omit<ListOptions, 'limit' | 'continue'> & { readonly config: ClusterConfig },
  slim: (item: T) => T = item => item,
): Promise<readonly T[]> {
  const items: T[] = []
  let next: string | undefined
  try {
    do {
      const page = await kube.list<T>(kind, { ...options, limit: PAGE_MAX, ...(next && { continue: next }) })
      for (const item of page.items) items.push(slim(item))
      next = page.metadata.continue || undefined
    } while (next !== undefined)
  } catch (error) {
    throw isNotFound(error) ? await notInstalled(kind, error, config) : error
  }
  return items
}

/** A missing object is named; a resource without a definition is not. */
const isUnserved = (error: unknown, { name }: ObjectKey): boolean =>
  error instanceof KubeError && !error.message.includes(`"${name}" not found`)

/** The sentence for a kind that is not served: another version of its group is, or none. */
async function notInstalled(kind: Kind, cause: unknown, config: ClusterConfig): Promise<CtlError> {
  const served = (await versionsOf(kind.group, config)).filter(version => version !== kind.version)
  const why =
    served.length === 0
      ? 'is Spiderpool installed, and is this the cluster that you mean (--context)?'
      : `it serves ${kind.group} in ${served.join(', ')}; use a spiderpoolctl of the version that is installed`
  const says = `the cluster has no ${kind.plural} of ${apiVersionOf(kind)}`
  return new CtlError('cluster', `${says}: ${why}`, { cause })
}

/** The versions that the server has of a group; none where it does not say. */
async function versionsOf(group: string, config: ClusterConfig): Promise<readonly string[]> {
  try {
    const found = decode(await textAt(config, `/apis/${group}`)) as ApiGroup | undefined
    return (found?.versions ?? []).map(({ version }) => version)
  } catch {
    return [] // the group is not there, or may not be read: the sentence does without
  }
}

interface ApiGroup {
  readonly versions?: readonly { readonly version: string }[]
}

/** The sentence and the exit status of what the API server refused. */
export function clusterError(error: KubeError): CtlError {
  if (isForbidden(error)) return new CtlError('cluster', `this user lacks a right: ${error.message}`, { cause: error })
  if (isUnauthorized(error))
    return new CtlError('cluster', `the API server does not accept these credentials: ${error.message}`, {
      cause: error,
    })
  return new CtlError('cluster', error.message, { cause: error })
}
