// The command line of spiderpool-controller. Pure.
export interface ControllerFlags {
  /** conf.yml of the ConfigMap. */
  readonly configPath: string | undefined
  /** Files of the webhooks' certificate, where somebody else makes it. */
  readonly tls: { readonly certificate: string; readonly key: string } | undefined
  /** Prints objects for kubectl and ends. */
  readonly prints: 'webhooks' | 'node-policy' | undefined
}

export const USAGE = `usage: spiderpool-controller [daemon] [--config-path FILE] [--tls-server-cert FILE --tls-server-key FILE]
       spiderpool-controller webhooks [--config-path FILE]
       spiderpool-controller node-policy
  --config-path FILE       conf.yml of the ConfigMap spiderpool-conf
  --tls-server-cert FILE   the webhooks' certificate (PEM), and
  --tls-server-key FILE    its key; read again when they change. A ca.crt beside it becomes the caBundle of both configurations.
                           Without them certificates are made and renewed here
  --version                prints the version
  webhooks                 prints the webhook configurations, for kubectl apply -f -. With podResourceInject KUBECONFIG is asked whether it is
                           Kubernetes 1.30 or later, where a pod that chooses no networks never waits for the controller
  node-policy              prints the ValidatingAdmissionPolicy by which a node writes its own objects only (Kubernetes 1.30 or later)
  Everything else is told by the environment (SPIDERPOOL_…). Outside a cluster KUBECONFIG names the API server.
`

const VERBS = ['webhooks', 'node-policy'] as const
const NAMES = ['config-path', 'tls-server-cert', 'tls-server-key'] as const

/** `--name value` and `--name=value`. Throws a sentence. */
export function flagsOf(argv: readonly string[]): ControllerFlags {
  const [verb] = argv
  const prints = VERBS.find(name => name === verb)
  const rest = verb === 'daemon' || prints !== undefined ? argv.slice(1) : argv
  const given = new Map<string, string>()
  for (let at = 0; at < rest.length; at++) {
    const [flag = '', inline] = (rest[at] ?? '').split(/=(.*)/s, 2)
    const name = NAMES.find(known => `--${known}` === flag)
    if (name === undefined) throw new Error(`unknown argument ${JSON.stringify(rest[at])}; see --help`)
    const value = inline ?? rest[++at]
    if (value === undefined || value === '') throw new Error(`${flag} needs a file`)
    given.set(name, value)
  }
  const [certificate, key] = [given.get('tls-server-cert'), given.get('tls-server-key')]
  if ((certificate === undefined) !== (key === undefined))
    throw new Error('--tls-server-cert and --tls-server-key belong together; give both or neither')
  return {
    configPath: given.get('config-path'),
    tls: certificate !== undefined && key !== undefined ? { certificate, key } : undefined,
    prints,
  }
}
