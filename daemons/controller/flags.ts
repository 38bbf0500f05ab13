// The command line of spiderpool-controller.
import { parseArgs } from 'node:util'

export interface ControllerFlags {
  /** conf.yml of the ConfigMap. */
  readonly configPath: string | undefined
  /** Files of the webhooks' certificate, where it is provided. */
  readonly tls: { readonly certificate: string; readonly key: string } | undefined
  /** Prints objects for kubectl and exits. */
  readonly prints: 'webhooks' | 'node-policy' | undefined
}

export const USAGE = `usage: spiderpool-controller [daemon] [--config-path FILE] [--tls-server-cert FILE --tls-server-key FILE]
       spiderpool-controller webhooks [--config-path FILE]
       spiderpool-controller node-policy
  --config-path FILE       conf.yml of the ConfigMap spiderpool-conf
  --tls-server-cert FILE   the webhooks' certificate (PEM), and
  --tls-server-key FILE    its key; read again when they change. A ca.crt beside it becomes the caBundle of both configurations.
                           Without them the controller makes and renews its certificates
  --version                prints the version
  webhooks                 prints the webhook configurations, for kubectl apply -f -. With podResourceInject the API server is asked whether it is
                           Kubernetes 1.30 or later, where a pod that chooses no networks never waits for the controller
  node-policy              prints the ValidatingAdmissionPolicy by which a node writes its own objects only (Kubernetes 1.30 or later)
  All other settings are environment variables (SPIDERPOOL_…). Outside a cluster KUBECONFIG names the API server.
`

const VERBS = ['webhooks', 'node-policy'] as const
const FILE = { type: 'string' } as const
const OPTIONS = { 'config-path': FILE, 'tls-server-cert': FILE, 'tls-server-key': FILE } as const

/**
 * `--name value` and `--name=value`; of an option given twice the last one counts.
 * @throws Error a sentence for an unknown argument, a missing value or half of the TLS pair.
 */
export function parseFlags(argv: readonly string[]): ControllerFlags {
  const [verb] = argv
  const prints = VERBS.find(name => name === verb)
  const args = verb === 'daemon' || prints !== undefined ? argv.slice(1) : [...argv]
  // Not strict: the messages of parseArgs name no remedy.
  const { tokens } = parseArgs({ args, options: OPTIONS, strict: false, allowPositionals: true, tokens: true })
  const given = new Map<string, string>()
  for (const token of tokens) {
    if (token.kind !== 'option' || !Object.hasOwn(OPTIONS, token.name))
      throw new Error(`unknown argument ${JSON.stringify(args[token.index])}; see --help`)
    if (token.value === undefined || token.value === '') throw new Error(`${token.rawName} needs a file`)
    given.set(token.name, token.value)
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
