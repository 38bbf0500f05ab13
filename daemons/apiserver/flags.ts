// The command line of spiderpool-apiserver. Pure.
import { join, resolve } from 'node:path'

export interface ApiserverFlags {
  readonly dataDir: string
  readonly listen: { readonly host: string; readonly port: number }
  readonly unix: string | undefined
  readonly kubeconfig: string
  readonly crds: string | undefined
  /** Changes kept for watches that resume. */
  readonly eventsMax: number
  readonly embeddedController: boolean
  /** Our own kinds have the rules that webhooks have in a cluster. */
  readonly admits: boolean
}

export const USAGE = `usage: spiderpool-apiserver --data-dir DIR [--listen 127.0.0.1:PORT | --unix PATH] [--kubeconfig FILE] [--crds DIR]
  --data-dir DIR            certificates, token and database are kept here; a folder of the server's user in which no other can write
  --listen HOST:PORT        a loopback address; port 0 (the default) takes that of the last start if it is free, else a free one
  --unix PATH               a unix socket (mode 0600) instead of TCP; without TLS
  --kubeconfig FILE         written at start (mode 0600); DIR/kubeconfig if not given
  --crds DIR                YAML files with CustomResourceDefinitions or other objects, applied at start after the built-in ones
  --watch-history-max N     changes kept for watches that resume (50000)
  --no-embedded-controller  do not keep the counts in SpiderIPPool status, nor remove the finalizer of deleted pools and SpiderEndpoints
  --no-admission            take Spiderpool's kinds as they come, as a cluster does that has no webhooks
  --version                 print the version and end
`

const VALUES = ['data-dir', 'listen', 'unix', 'kubeconfig', 'crds', 'watch-history-max'] as const
const SWITCHES = ['no-embedded-controller', 'no-admission'] as const
const HISTORY_DEFAULT = 50_000

/** `--name value` and `--name=value`. Throws a sentence that names the flag. */
function collected(argv: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (let i = 0; i < argv.length; i++) {
    const [name = '', inline] = (argv[i] ?? '').split(/=(.*)/s, 2)
    const key = name.replace(/^--/, '')
    if (!name.startsWith('--')) throw new Error(`unknown argument ${JSON.stringify(argv[i])}; see --help`)
    if (SWITCHES.some(known => known === key)) found.set(key, 'true')
    else if (!VALUES.some(known => known === key)) throw new Error(`unknown flag ${name}; see --help`)
    else {
      const value = inline ?? argv[++i]
      if (value === undefined || value === '') throw new Error(`${name} needs a value`)
      found.set(key, value)
    }
  }
  return found
}

function loopback(text: string): ApiserverFlags['listen'] {
  const [, host = '', port = ''] = /^(.*):(\d{1,5})$/.exec(text) ?? []
  const bare = host.replace(/^\[(.*)\]$/, '$1')
  const isLoopback = bare === 'localhost' || bare === '::1' || /^127(\.\d{1,3}){3}$/.test(bare)
  if (Number(port) > 65_535 || port === '') throw new Error(`--listen ${text}: give HOST:PORT, for example 127.0.0.1:0`)
  if (!isLoopback) throw new Error(`--listen ${text}: only loopback addresses are served, for example 127.0.0.1:0`)
  return { host: bare, port: Number(port) }
}

export function parseFlags(argv: readonly string[]): ApiserverFlags {
  const given = collected(argv)
  const dataDir = given.get('data-dir')
  if (dataDir === undefined) throw new Error('--data-dir is not given; it says where the server keeps its state')
  if (given.has('unix') && given.has('listen')) throw new Error('--listen and --unix exclude each other; give one')
  const history = given.get('watch-history-max') ?? String(HISTORY_DEFAULT)
  if (!/^[1-9]\d{0,8}$/.test(history)) throw new Error(`--watch-history-max ${history}: give a whole number above 0`)
  const unix = given.get('unix')
  return {
    dataDir: resolve(dataDir),
    listen: loopback(given.get('listen') ?? '127.0.0.1:0'),
    unix: unix === undefined ? undefined : resolve(unix),
    kubeconfig: resolve(given.get('kubeconfig') ?? join(dataDir, 'kubeconfig')),
    crds: given.get('crds'),
    eventsMax: Number(history),
    embeddedController: !given.has('no-embedded-controller'),
    admits: !given.has('no-admission'),
  }
}
