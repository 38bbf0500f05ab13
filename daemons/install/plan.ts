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

export interface InstallSettings {
  /** The node's /opt/cni/bin and /etc/cni/net.d, as mounted in this pod. */
  readonly binFolder: string
  readonly confFolder: string
  /** Exit after one run instead of keeping the node current. */
  readonly isOnce: boolean
}

type Env = Readonly<Record<string, string | undefined>>

export const USAGE = `usage: spiderpool-install [--once | --version]
  CNI_BIN_DIR   where the executables go      (/host/opt/cni/bin)
  CNI_CONF_DIR  where spiderpool.d/ goes      (/host/etc/cni/net.d)
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
