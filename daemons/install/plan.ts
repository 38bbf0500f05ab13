// What spiderpool-install is told, and the kubeconfig that it writes. Pure; knows no files.

/** The names of the one image in a node's folder of CNI executables. `macvlan` is not among them: a reference plugin of that name may be there. */
export const CNI_NAMES = ['spiderpool-ipam', 'spiderpool', 'coordinator', 'macvlan-wrapper', 'ifacer'] as const

export interface InstallSettings {
  /** The node's /opt/cni/bin and /etc/cni/net.d, as this process sees them. */
  readonly binFolder: string
  readonly confFolder: string
  /** End when it is done, rather than keep the kubeconfig's token fresh. */
  readonly isOnce: boolean
}

type Env = Readonly<Record<string, string | undefined>>

export const USAGE = `usage: spiderpool-install [--once | --version]
  CNI_BIN_DIR   where the executables go      (/host/opt/cni/bin)
  CNI_CONF_DIR  where spiderpool.d/ goes      (/host/etc/cni/net.d)
`

/** Throws a sentence for an argument that nobody knows. */
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

/** Why an account cannot be used, in a sentence; `undefined` where it can. An empty token would be refused, and the old one may still be good. */
export function accountFault({ token, ca }: Account): string | undefined {
  if (token === '') return 'the service account token is empty'
  if (ca.trim() === '') return 'ca.crt of the service account is empty'
  return undefined
}

/**
 * The kubeconfig of the CNI executables on this node, as JSON (which is YAML): this pod's service account at the address that pods know.
 * Throws a sentence where the environment lacks KUBERNETES_SERVICE_HOST.
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
