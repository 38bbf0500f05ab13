// Client configuration from kubeconfig files or a pod's service account. Files and programs come
// from a KubeconfigHost.
import { codeOf, messageOf } from '../errors.js'
import { credentialOf } from './credentials.js'
import {
  badConfig,
  DEFAULT_KUBECONFIG,
  isFields,
  pemOf,
  textAt,
  type Credential,
  type KubeconfigEntry,
  type ConfigFields,
  type KubeconfigHost,
  type Tls,
} from './entry.js'
import { KubeError } from './errors.js'
import { decode } from './json.js'
import { proxyFor, shownProxy, type Proxy } from './proxy.js'

export { kubeconfigPaths } from './entry.js'

export interface ClusterConfig {
  /** Scheme, host, port and optional path, without a trailing slash. */
  readonly server: string
  /** The socket's path, if the server is unix://. */
  readonly unix?: string
  readonly tls?: Tls
  /** Called for each request, since tokens expire. */
  readonly credential?: () => Credential
  /** The default namespace of the context. */
  readonly namespace?: string
  /** Absent: a direct connection, regardless of the environment. */
  readonly proxy?: Proxy
  /** The file that defines the user. */
  readonly from?: string
}

/**
 * The context of the files, by default the current one, merged as client-go does: the first
 * definition wins, missing files are skipped.
 * @throws KubeError BadConfig
 */
export function loadKubeconfig(paths: readonly string[], host: KubeconfigHost, contextName?: string): ClusterConfig {
  const files = paths.flatMap(path => readFile(path, { host, isOnly: paths.length === 1 }))
  const first = files[0]
  if (!first)
    throw badConfig(paths.join(':'), 'none of these files is there; write one, or name one with ipam.kubeconfig')
  const current = files.find(({ fields }) => textAt(fields, 'current-context') !== undefined)
  const wanted = contextName ?? (current && textAt(current.fields, 'current-context'))
  if (wanted === undefined)
    throw badConfig(first.file, 'it has no current-context; write one: kubectl config use-context NAME')
  const by = contextName === undefined ? (current?.file ?? first.file) : `${first.file} and --context`
  const context = entryOf(files, { list: 'contexts', key: 'context', wanted, by })
  const clusterName = textAt(context.fields, 'cluster') ?? ''
  const cluster = entryOf(files, { list: 'clusters', key: 'cluster', wanted: clusterName, by: context.file })
  const userName = textAt(context.fields, 'user')
  const user =
    userName === undefined
      ? undefined
      : entryOf(files, { list: 'users', key: 'user', wanted: userName, by: context.file })
  return clusterConfig({ cluster, user, namespace: textAt(context.fields, 'namespace') }, host)
}

/** Remedy for a missing DEFAULT_KUBECONFIG. */
const OF_AGENT =
  'the node agent writes it where SPIDERPOOL_INSTALL_KUBECONFIG is true (docs/agent.md): does its pod run on this node? Otherwise set ipam.kubeconfig or KUBECONFIG'
const OF_OTHERS = 'set ipam.kubeconfig or KUBECONFIG to a file that is there and readable'

function readFile(path: string, { host, isOnly }: { host: KubeconfigHost; isOnly: boolean }): KubeconfigEntry[] {
  let content: string
  try {
    content = host.read(path)
  } catch (error) {
    const code = codeOf(error) || String(error)
    if (code === 'ENOENT' && !isOnly) return []
    const what = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`
    throw badConfig(path, `${what}; ${path === DEFAULT_KUBECONFIG ? OF_AGENT : OF_OTHERS}`, error)
  }
  return [{ file: path, name: path, fields: fieldsOf(parse(content, path, host), path) }]
}

/** JSON.parse() first, since it is much faster than YAML. */
function parse(content: string, path: string, host: KubeconfigHost): unknown {
  const json = content.trimStart().startsWith('{') ? decode(content) : undefined
  if (json !== undefined) return json
  try {
    return host.yaml(content)
  } catch (error) {
    throw badConfig(path, `it is neither YAML nor JSON (${messageOf(error).split('\n')[0]})`, error)
  }
}

function fieldsOf(value: unknown, path: string): ConfigFields {
  if (!isFields(value)) throw badConfig(path, 'it is not a YAML or JSON object with clusters, users and contexts')
  return value
}

interface EntryQuery {
  readonly list: 'clusters' | 'users' | 'contexts'
  readonly key: 'cluster' | 'user' | 'context'
  readonly wanted: string
  /** The file that refers to it. */
  readonly by: string
}

function entryOf(files: readonly KubeconfigEntry[], { list, key, wanted, by }: EntryQuery): KubeconfigEntry {
  for (const { file, fields } of files) {
    const entries = fields[list]
    if (!Array.isArray(entries)) continue
    const found: unknown = entries.find(entry => isFields(entry) && entry['name'] === wanted)
    if (!isFields(found)) continue
    const inner = found[key]
    return { file, name: wanted, fields: isFields(inner) ? inner : {} }
  }
  throw badConfig(by, `it names ${key} "${wanted}", which is not under ${list}; add it there, or name one that is`)
}

interface Parts {
  readonly cluster: KubeconfigEntry
  readonly user: KubeconfigEntry | undefined
  readonly namespace: string | undefined
}

function clusterConfig({ cluster, user, namespace }: Parts, host: KubeconfigHost): ClusterConfig {
  const { credential, tls: clientTls } = credentialOf(user, cluster, host)
  const endpoint = serverOf(cluster)
  const proxy = endpoint.unix === undefined ? (proxyOf(cluster) ?? proxyFor(endpoint.server, host.env)) : undefined
  const tls = { ...clusterTls(cluster, host), ...clientTls }
  return {
    ...endpoint,
    ...(endpoint.server.startsWith('https:') && { tls }),
    ...(credential && { credential }),
    ...(namespace !== undefined && { namespace }),
    ...(proxy && { proxy: httpProxy(proxy, cluster) }),
    from: (user ?? cluster).file,
  }
}

/** `proxy-url` takes precedence over the environment, also for loopback, as in client-go. */
function proxyOf({ fields, name }: KubeconfigEntry): Proxy | undefined {
  const url = textAt(fields, 'proxy-url')
  return url === undefined ? undefined : { url, from: `proxy-url of cluster "${name}"` }
}

/** fetch supports http and https proxies only. */
function httpProxy(proxy: Proxy, { file }: KubeconfigEntry): Proxy {
  if (/^https?:\/\/[^\s/?#]+\/?$/.test(proxy.url) && URL.canParse(proxy.url)) return proxy
  throw badConfig(
    file,
    `the proxy ${shownProxy(proxy)} is not supported; write it as http://HOST:PORT or https://HOST:PORT, or reach the server directly`,
  )
}

function serverOf({ file, name, fields }: KubeconfigEntry): { server: string; unix?: string } {
  const server = textAt(fields, 'server')
  if (server === undefined) throw badConfig(file, `cluster "${name}" has no server; write server: https://HOST:PORT`)
  if (/^unix:\/\/\/./.test(server)) return { server: 'http://localhost', unix: server.slice('unix://'.length) }
  if (/^https?:\/\/[^\s/?#]+[^\s?#]*$/.test(server) && URL.canParse(server))
    return { server: server.replace(/\/+$/, '') }
  throw badConfig(
    file,
    `cluster "${name}" has server "${server}"; write https://HOST:PORT, http://HOST:PORT or unix:///PATH`,
  )
}

function clusterTls(cluster: KubeconfigEntry, host: KubeconfigHost): Tls {
  const { file, name, fields } = cluster
  const ca = pemOf(cluster, 'certificate-authority', 'CERTIFICATE', host)
  const serverName = textAt(fields, 'tls-server-name')
  const isInsecure = fields['insecure-skip-tls-verify'] === true
  if (isInsecure && ca !== undefined)
    throw badConfig(file, `cluster "${name}" has both a certificate-authority and insecure-skip-tls-verify; remove one`)
  return {
    ...(ca !== undefined && { ca }),
    ...(serverName !== undefined && { serverName }),
    rejectUnauthorized: !isInsecure, // if unset, NODE_TLS_REJECT_UNAUTHORIZED would decide
  }
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

/**
 * The configuration of a pod: environment and service account files.
 * @throws KubeError BadConfig
 */
export function inCluster(host: KubeconfigHost): ClusterConfig {
  const address = host.env['KUBERNETES_SERVICE_HOST'] ?? ''
  const port = host.env['KUBERNETES_SERVICE_PORT'] ?? ''
  if (address === '' || port === '')
    throw new KubeError(
      0,
      'BadConfig',
      'KUBERNETES_SERVICE_HOST or KUBERNETES_SERVICE_PORT is not set: this is not a pod; name a kubeconfig',
    )
  const file = `${SERVICE_ACCOUNT}/`
  const cluster: KubeconfigEntry = {
    file,
    name: 'in-cluster',
    fields: {
      server: `https://${address.includes(':') ? `[${address}]` : address}:${port}`,
      'certificate-authority': 'ca.crt',
    },
  }
  const user: KubeconfigEntry = { file, name: 'service account', fields: { tokenFile: 'token' } }
  return clusterConfig({ cluster, user, namespace: namespaceOf(host) }, host)
}

function namespaceOf(host: KubeconfigHost): string | undefined {
  try {
    return host.read(`${SERVICE_ACCOUNT}/namespace`).trim()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined // an older kubelet
    throw error
  }
}
