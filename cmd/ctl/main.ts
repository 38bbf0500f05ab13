// spiderpoolctl: questions about a cluster, for people and scripts. The edge: command line,
// environment, streams, exit status.
import { readFileSync, readSync, writeSync } from 'node:fs'
import { CommanderError } from 'commander'
import { codeOf, messageOf } from '../../lib/errors.js'
import { isBadConfig, KubeError } from '../../lib/kube/errors.js'
import { clusterError, openCluster } from './cluster.js'
import type { CtlContext } from './context.js'
import type { OutputFormat } from './output.js'
import { programOf, type Invocation } from './program.js'
import { CtlError, EXIT_STATUS } from './status.js'

const warn = (sentence: string): void => void writeSync(2, `spiderpoolctl: ${sentence}\n`)

/** To stdout, whole: a pipe takes as much as it has room for. */
function print(text: string): void {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(1, bytes, at)
    } catch (error) {
      if (codeOf(error) !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    }
  }
}

/** @throws CtlError `usage` without a terminal */
function confirm(question: string): boolean {
  if (process.stdin.isTTY !== true)
    throw new CtlError('usage', 'there is no terminal to ask at; look at the plan without --repair, then give --yes')
  writeSync(2, `${question} [y/N] `)
  const answer = Buffer.alloc(16)
  return /^y(es)?$/i.test(answer.toString('utf8', 0, readSync(0, answer)).trim())
}

function interruptible(): AbortSignal {
  const controller = new AbortController()
  process.once('SIGINT', () => controller.abort())
  return controller.signal
}

function contextOf({ options }: Invocation): CtlContext {
  const text = (key: string): string | undefined => {
    const value = options[key]
    return typeof value === 'string' ? value : undefined
  }
  const { env } = process
  const [kubeconfig, context, namespace] = [text('kubeconfig'), text('context'), text('namespace')]
  return {
    cluster: openCluster({ kubeconfig, context, namespace, env, warn }),
    format: (text('output') ?? 'table') as OutputFormat, // commander takes only the choices
    colours: process.stdout.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb',
    now: Date.now(),
    print,
    warn,
    confirm: question => Promise.resolve(confirm(question)),
    interruptible,
    readFile: path => readFileSync(path === '-' ? 0 : path, 'utf8'),
    yaml: { parse: source => Bun.YAML.parse(source), stringify: value => Bun.YAML.stringify(value, null, 2) },
  }
}

async function perform(invocation: Invocation): Promise<void> {
  const command = await invocation.spec.load()
  process.exitCode = EXIT_STATUS[await command(contextOf(invocation), invocation.args, invocation.options)].status
}

/** Returns the exit status, after a sentence on stderr. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_STATUS.usage.status // it has printed
  if (codeOf(error) === 'EPIPE') return EXIT_STATUS.ok.status // `| head` has read enough
  const known = error instanceof KubeError && !isBadConfig(error) ? clusterError(error) : error
  warn(messageOf(known))
  return known instanceof CtlError ? EXIT_STATUS[known.exit].status : EXIT_STATUS.usage.status
}

/** Words after which the command line needs, or lists, the completion. */
const COMPLETING = ['complete', 'completion', 'help', '--help', '-h', undefined]
/** The shell waits for its user's next key. */
const COMPLETE_MS_MAX = 1_000

/** Names of pools for the completion; none where they are not read in time. */
async function poolNames(): Promise<readonly string[]> {
  try {
    const { connect } = await import('../../lib/kube/client.js')
    const { configOfUser } = await import('../../lib/kube/open.js')
    const { SPIDER_IPPOOLS } = await import('../../lib/kube/kinds.js')
    const config = configOfUser({ kubeconfig: undefined, context: undefined, env: process.env })
    const kube = connect(config, {}, {}, { ms: COMPLETE_MS_MAX, of: 'the completion' })
    const { items } = await kube.list<{ readonly metadata: { readonly name: string } }>(SPIDER_IPPOOLS, {
      metadataOnly: true,
      resourceVersion: '0',
    })
    return items.map(({ metadata }) => metadata.name)
  } catch {
    return [] // a completion prints no errors
  }
}

export async function main(argv: readonly string[]): Promise<void> {
  try {
    const program = programOf(perform, { print, warn: text => void writeSync(2, text) })
    if (COMPLETING.includes(argv[0])) {
      const { addCompletion } = await import('./complete.js')
      addCompletion(program, argv[0] === 'complete' && argv.includes('show') ? await poolNames() : [])
    }
    await program.parseAsync([...argv], { from: 'user' })
  } catch (error) {
    process.exitCode = report(error)
  }
}
