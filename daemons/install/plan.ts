// Settings of spiderpool-install, and the kubeconfig that it writes.

/**
 * Names under which the one image is installed. `macvlan` is not among them: a reference plugin of
 * that name may be installed.
 */
export const CNI_NAMES = ['spiderpool-ipam', 'spiderpool', 'coordinator', 'macvlan-wrapper', 'ifacer'] as const

/** In the folder of this image: the client of the node agent, for the names of CNI_NAMES. */
export const CLIENT_FILE = 'spiderpool-client'
/** Beside the client in /opt/cni/bin: this image, which the client executes (scripts/client.sh). */
export const FULL_IMAGE = '.spiderpool-plugins'

/** This image, or the client of the node agent. */
export type FileKind = 'image' | 'client'

/**
 * The files of a node. The image has its own name also where no client executes it: one that
 * started before the setting changed still does.
 */
export const installedFiles = (usesClient: boolean): readonly { readonly name: string; readonly kind: FileKind }[] => [
  { name: FULL_IMAGE, kind: 'image' },
  ...CNI_NAMES.map(name => ({ name, kind: usesClient ? ('client' as const) : ('image' as const) })),
]

/** The variable that switches the client off. */
export const CLIENT_VARIABLE = 'SPIDERPOOL_CNI_CLIENT'

/**
 * Whether the names of the plugins are the client: unless the variable says `false`.
 * @throws Error a sentence for another value than true and false
 */
export function usesClientOf(env: Env): boolean {
  const value = env[CLIENT_VARIABLE] || 'true'
  if (value === 'true' || value === 'false') return value === 'true'
  throw new Error(`${CLIENT_VARIABLE} is ${JSON.stringify(value)}; it must be true or false`)
}

export interface InstallSettings {
  /** The node's /opt/cni/bin and /etc/cni/net.d, as mounted in this pod. */
  readonly binFolder: string
  readonly confFolder: string
  /** Exit after one run instead of keeping the node current. */
  readonly isOnce: boolean
  /** Whether the names of the plugins are the client of the node agent. */
  readonly usesClient: boolean
}

type Env = Readonly<Record<string, string | undefined>>

export const USAGE = `usage: spiderpool-install [--once | --version]
  CNI_BIN_DIR   where the executables go      (/host/opt/cni/bin)
  CNI_CONF_DIR  where spiderpool.d/ goes      (/host/etc/cni/net.d)
  SPIDERPOOL_CNI_CLIENT  false: the executables are the full image, not the client of the node agent (true)
`

/**
 * The settings.
 * @throws Error a sentence for an unknown argument.
 */
export function settingsOf(argv: readonly string[], env: Env): InstallSettings {
  const unknown = argv.find(arg => arg !== '--once')
  if (unknown !== undefined) throw new Error(`unknown argument ${JSON.stringify(unknown)}; see --help`)
  return {
    binFolder: env['CNI_BIN_DIR'] ?? '/host/opt/cni/bin',
    confFolder: env['CNI_CONF_DIR'] ?? '/host/etc/cni/net.d',
    isOnce: argv.includes('--once'),
    usesClient: usesClientOf(env),
  }
}

export interface Account {
  readonly token: string
  /** PEM. */
  readonly ca: string
}

/**
 * Why a service account is unusable, in a sentence; undefined where it is usable. An empty token
 * must not replace one that may still be valid.
 */
export function accountFault({ token, ca }: Account): string | undefined {
  if (token === '') return 'the service account token is empty'
  if (ca.trim() === '') return 'ca.crt of the service account is empty'
  return undefined
}

/**
 * The kubeconfig of the CNI executables on this node, as JSON (which is YAML): this pod's service
 * account, and the API server's address in the pod's environment.
 * @throws Error a sentence where KUBERNETES_SERVICE_HOST is not set.
 */
export function kubeconfigOf({ token, ca }: Account, env: Env): string {
  const host = env['KUBERNETES_SERVICE_HOST'] ?? ''
  if (host === '')
    throw new Error('KUBERNETES_SERVICE_HOST is not set; spiderpool-install runs in a pod of the cluster')
  const port = env['KUBERNETES_SERVICE_PORT_HTTPS'] ?? env['KUBERNETES_SERVICE_PORT'] ?? '443'
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`
  const name = 'spiderpool'
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
  }
  return `${JSON.stringify(config)}\n`
}
