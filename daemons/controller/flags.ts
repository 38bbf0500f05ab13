// The command line of spiderpool-controller.
import { parseArgs } from 'node:util'

export interface ControllerFlags {
  /** conf.yml of the ConfigMap. */
  readonly configPath: string | undefined
  /** Files of the webhooks' certificate, where it is provided. */
  readonly tls: { readonly certificate: string; readonly key: string } | undefined
  /** Prints objects for kubectl and exits. */
  readonly prints: 'webhooks' | 'node-policy' | undefined
  /** The verb `clean`. */
  readonly cleans: CleanFlags | undefined
}

export interface CleanFlags {
  /** Names of the webhook configurations. */
  readonly validating: string
  readonly mutating: string
}

export const USAGE = `usage: spiderpool-controller [daemon] [--config-path FILE] [--tls-server-cert FILE --tls-server-key FILE]
       spiderpool-controller webhooks [--config-path FILE]
       spiderpool-controller node-policy
       spiderpool-controller clean [--validate NAME] [--mutating NAME]
  --config-path FILE       conf.yml of the ConfigMap spiderpool-conf
  --tls-server-cert FILE   the webhooks' certificate (PEM), and
  --tls-server-key FILE    its key; read again when they change. A ca.crt beside it becomes the caBundle of both configurations.
                           Without them the controller makes and renews its certificates
  --version                prints the version
  webhooks                 prints the webhook configurations, for kubectl apply -f -. With podResourceInject the API server is asked whether it is
                           Kubernetes 1.30 or later, where a pod that chooses no networks never waits for the controller
  node-policy              prints the ValidatingAdmissionPolicy by which a node writes its own objects only (Kubernetes 1.30 or later)
  clean                    before an uninstallation: deletes both webhook configurations (named by --validate and --mutating), Lease and Secret, stops the
                           controller and removes its finalizers, so that nothing hangs later. With SPIDERPOOL_CLEAN_RESOURCES=true pools, records
                           and CRDs go too, unless a pod holds an address; with SPIDERPOOL_CLEAN_NODES=true agents remove their files
  All other settings are environment variables (SPIDERPOOL_…). Outside a cluster KUBECONFIG names the API server.
`

const PRINTS = ['webhooks', 'node-policy'] as const
const FILE = { type: 'string' } as const
const OPTIONS = { 'config-path': FILE, 'tls-server-cert': FILE, 'tls-server-key': FILE } as const
const CLEAN_OPTIONS = { validate: FILE, mutating: FILE } as const
const NAME = 'spiderpool-controller'

/**
 * `--name value` and `--name=value`; of an option given twice the last one counts.
 * @throws Error a sentence for an unknown argument, a missing value or half of the TLS pair.
 */
export function parseFlags(argv: readonly string[]): ControllerFlags {
  const [verb] = argv
  const prints = PRINTS.find(name => name === verb)
  const isClean = verb === 'clean'
  const args = verb === 'daemon' || isClean || prints !== undefined ? argv.slice(1) : [...argv]
  const given = optionsIn(args, isClean ? CLEAN_OPTIONS : OPTIONS)
  const [certificate, key] = [given.get('tls-server-cert'), given.get('tls-server-key')]
  if ((certificate === undefined) !== (key === undefined))
    throw new Error('--tls-server-cert and --tls-server-key belong together; give both or neither')
  return {
    configPath: given.get('config-path'),
    tls: certificate !== undefined && key !== undefined ? { certificate, key } : undefined,
    prints,
    cleans: isClean
      ? { validating: given.get('validate') ?? NAME, mutating: given.get('mutating') ?? NAME }
      : undefined,
  }
}

/** Not strict: the messages of parseArgs name no remedy. */
function optionsIn(args: string[], options: Readonly<Record<string, typeof FILE>>): ReadonlyMap<string, string> {
  const { tokens } = parseArgs({ args, options, strict: false, allowPositionals: true, tokens: true })
  const given = new Map<string, string>()
  for (const token of tokens) {
    if (token.kind !== 'option' || !Object.hasOwn(options, token.name))
      throw new Error(`unknown argument ${JSON.stringify(args[token.index])}; see --help`)
    if (token.value === undefined || token.value === '') throw new Error(`${token.rawName} needs a value`)
    given.set(token.name, token.value)
  }
  return given
}
