// spiderpool-apiserver, an API server for one machine: flags, signals and sockets.
import { writeSync } from 'node:fs'
import {
  removeStaleSocket,
  savePort,
  kubeconfigText,
  restrictToOwner,
  openDataDir,
  writeKubeconfig,
} from './data-dir.js'
import { parseFlags, USAGE, type ApiserverFlags } from './flags.js'
import { Connections, descriptorsMax, peerOf } from './http/connections.js'
import { tooManyWatches } from './schema/status-error.js'
import { startCore, type Core } from './server.js'
import { handle } from './http/handler.js'
import { codeOf, messageOf } from '../../lib/errors.js'

type HttpServer = ReturnType<typeof Bun.serve>

const REQUEST_BYTES_MAX = 4 * 1024 * 1024

interface ListenOptions extends Pick<ApiserverFlags, 'listen' | 'unix'> {
  readonly tls: { readonly cert: string; readonly key: string }
  /** Reused if --listen gives port 0 and it is free, so that clients keep their address. */
  readonly lastPort: number
  readonly connections: Connections
}

function listen(core: Core, { listen: { host, port }, unix, tls, lastPort, connections }: ListenOptions): HttpServer {
  const fetch = (request: Request, server: HttpServer): Promise<Response> => {
    const from = server.requestIP(request)
    const peer = from ? peerOf(from.address, from.port) : ''
    const beginWatch = (): (() => void) => {
      const end = connections.beginWatch(peer)
      if (!end) throw tooManyWatches()
      server.timeout(request, 0)
      return end
    }
    return handle(core.server, request, beginWatch).finally(connections.begin(peer))
  }
  const common = { fetch, maxRequestBodySize: REQUEST_BYTES_MAX }
  if (unix !== undefined) {
    try {
      removeStaleSocket(unix)
      const server = Bun.serve({ ...common, unix })
      restrictToOwner(unix)
      return server
    } catch (error) {
      throw new Error(`--unix ${unix}: the server cannot listen there (${messageOf(error)}); give another path`, {
        cause: error,
      })
    }
  }
  const serveOn = (requested: number): HttpServer =>
    Bun.serve({ ...common, hostname: host, port: requested, tls, idleTimeout: 255 })
  try {
    return serveOn(port === 0 ? lastPort : port)
  } catch (error) {
    if (port === 0 && lastPort !== 0) return serveOn(0)
    throw listenError(`${bracketed(host)}:${port}`, error)
  }
}

function listenError(where: string, error: unknown): Error {
  const code = codeOf(error) || String(error)
  const advice = code === 'EADDRINUSE' ? 'stop what listens there or give another port' : 'give another port'
  return new Error(`--listen ${where}: the server cannot listen there (${code}); ${advice}, port 0 takes a free one`, {
    cause: error,
  })
}

async function serve(flags: ApiserverFlags): Promise<void> {
  const { database, token, certificates, lastPort } = await openDataDir(flags.dataDir, Date.now())
  const core = await startCore({ ...flags, database, token })
  const connections = new Connections(descriptorsMax())
  let httpServer: HttpServer | undefined
  try {
    const { ca, certificate: cert, key } = certificates
    httpServer = listen(core, { ...flags, tls: { cert, key }, lastPort, connections })
    const { port } = httpServer
    const server = flags.unix === undefined ? `https://${bracketed(flags.listen.host)}:${port}` : `unix://${flags.unix}`
    writeKubeconfig(flags.kubeconfig, kubeconfigText({ server, ca, token }))
    if (flags.unix === undefined && port !== undefined && port !== lastPort) savePort(flags.dataDir, port)
    const stopped = Promise.withResolvers<void>()
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopped.resolve())
    writeSync(1, `spiderpool-apiserver ready at ${server}, kubeconfig ${flags.kubeconfig}\n`)
    await stopped.promise
  } finally {
    connections.stop()
    await core.stop(() => httpServer?.stop(true))
  }
}

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host)

/** Runs the server until SIGTERM or SIGINT; on failure one line on stderr and exit code 1. */
export async function main(argv: readonly string[]): Promise<void> {
  if (argv.includes('--help')) return void writeSync(1, USAGE)
  try {
    await serve(parseFlags(argv))
  } catch (error) {
    writeSync(2, `spiderpool-apiserver: ${messageOf(error)}\n`)
    process.exitCode = 1
  }
}
