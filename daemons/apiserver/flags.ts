// The command line of spiderpool-apiserver. Pure.
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

export interface ApiserverFlags {
  readonly dataDir: string
  readonly listen: { readonly host: string; readonly port: number }
  readonly unix: string | undefined
  readonly kubeconfig: string
  readonly crds: string | undefined
  /** Bound of the changes kept for watches that resume. */
  readonly eventsMax: number
  readonly embeddedController: boolean
  /** Whether Spiderpool’s kinds have the admission rules of its webhooks. */
  readonly admits: boolean
}

export const USAGE = `usage: spiderpool-apiserver --data-dir DIR [--listen 127.0.0.1:PORT | --unix PATH] [--kubeconfig FILE] [--crds DIR]
  --data-dir DIR            directory of certificates, token and database; owned by the server's user and writable by no other
  --listen HOST:PORT        a loopback address; port 0 (the default) reuses the last port if it is free, else takes any free one
  --unix PATH               a unix socket (mode 0600) instead of TCP; without TLS
  --kubeconfig FILE         written at start (mode 0600); DIR/kubeconfig if not given
  --crds DIR                YAML files with CustomResourceDefinitions or other objects, applied at start after the built-in ones
  --watch-history-max N     changes kept so that watches can resume (50000)
  --no-embedded-controller  neither update SpiderIPPool status nor remove the finalizer of deleted pools and SpiderEndpoints
  --no-admission            no defaulting and validation of Spiderpool's kinds, as in a cluster without its webhooks
  --version                 print the version and exit
`

const OPTIONS = {
  'data-dir': { type: 'string' },
  listen: { type: 'string' },
  unix: { type: 'string' },
  kubeconfig: { type: 'string' },
  crds: { type: 'string' },
  'watch-history-max': { type: 'string' },
  'no-embedded-controller': { type: 'boolean' },
  'no-admission': { type: 'boolean' },
} as const
const HISTORY_DEFAULT = 50_000

/** Flags by name, from `--name value` and `--name=value`. @throws an Error that names the flag. */
function collectFlags(argv: readonly string[]): ReadonlyMap<string, string> {
  // Not strict: the errors of parseArgs neither name the remedy nor reject an empty value.
  const { tokens } = parseArgs({ args: [...argv], options: OPTIONS, strict: false, tokens: true })
  const flags = new Map<string, string>()
  for (const token of tokens) {
    const raw = argv[token.index] ?? ''
    if (!raw.startsWith('--')) throw new Error(`unknown argument ${JSON.stringify(raw)}; see --help`)
    if (token.kind !== 'option' || !isOption(token.name))
      throw new Error(`unknown flag ${raw.split('=', 1)[0]}; see --help`)
    if (OPTIONS[token.name].type === 'string' && !token.value) throw new Error(`${token.rawName} needs a value`)
    flags.set(token.name, token.value ?? 'true')
  }
  return flags
}

const isOption = (name: string): name is keyof typeof OPTIONS => Object.hasOwn(OPTIONS, name)

/** HOST:PORT of a loopback address. @throws an Error that names --listen. */
function parseListen(text: string): ApiserverFlags['listen'] {
  const [, host = '', port = ''] = /^(.*):(\d{1,5})$/.exec(text) ?? []
  const bare = host.replace(/^\[(.*)\]$/, '$1')
  const isLoopback = bare === 'localhost' || bare === '::1' || /^127(\.\d{1,3}){3}$/.test(bare)
  if (Number(port) > 65_535 || port === '') throw new Error(`--listen ${text}: give HOST:PORT, for example 127.0.0.1:0`)
  if (!isLoopback) throw new Error(`--listen ${text}: only loopback addresses are served, for example 127.0.0.1:0`)
  return { host: bare, port: Number(port) }
}

/** The flags with their defaults, paths absolute. @throws an Error that names the flag. */
export function parseFlags(argv: readonly string[]): ApiserverFlags {
  const flags = collectFlags(argv)
  const dataDir = flags.get('data-dir')
  if (dataDir === undefined) throw new Error('--data-dir is not given; it says where the server keeps its state')
  if (flags.has('unix') && flags.has('listen')) throw new Error('--listen and --unix exclude each other; give one')
  const history = flags.get('watch-history-max') ?? String(HISTORY_DEFAULT)
  if (!/^[1-9]\d{0,8}$/.test(history)) throw new Error(`--watch-history-max ${history}: give a whole number above 0`)
  const unix = flags.get('unix')
  return {
    dataDir: resolve(dataDir),
    listen: parseListen(flags.get('listen') ?? '127.0.0.1:0'),
    unix: unix === undefined ? undefined : resolve(unix),
    kubeconfig: resolve(flags.get('kubeconfig') ?? join(dataDir, 'kubeconfig')),
    crds: flags.get('crds'),
    eventsMax: Number(history),
    embeddedController: !flags.has('no-embedded-controller'),
    admits: !flags.has('no-admission'),
  }
}
