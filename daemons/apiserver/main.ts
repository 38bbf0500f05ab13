// spiderpool-apiserver: a Kubernetes-style API server for one machine. Knows flags, signals and sockets; the rest is in the files beside it.
import { writeSync } from 'node:fs'
import { clearSocket, kubeconfigText, makePrivate, openFolder, writePrivately } from './folder.js'
import { flagsOf, USAGE, type Flags } from './flags.js'
import { startCore, type Core } from './core.js'
import { handle } from './rest.js'

type Listening = ReturnType<typeof Bun.serve>

const REQUEST_BYTES_MAX = 4 * 1024 * 1024

function listen(core: Core, { listen, unix }: Flags, tls: { readonly cert: string; readonly key: string }): Listening {
  const fetch = (request: Request, server: Listening): Promise<Response> =>
    handle(core.server, request, () => server.timeout(request, 0))
  const common = { fetch, maxRequestBodySize: REQUEST_BYTES_MAX }
  if (unix !== undefined) {
    clearSocket(unix)
    const server = Bun.serve({ ...common, unix })
    makePrivate(unix)
    return server
  }
  return Bun.serve({ ...common, hostname: listen.host, port: listen.port, tls, idleTimeout: 255 })
}

async function serve(flags: Flags): Promise<void> {
  const { database, token, certificates } = await openFolder(flags.dataDir, Date.now())
  const core = await startCore({ ...flags, database, token })
  const { ca, certificate: cert, key } = certificates
  const listening = listen(core, flags, { cert, key })
  const server =
    flags.unix === undefined ? `https://${bracketed(flags.listen.host)}:${listening.port}` : `unix://${flags.unix}`
  const text = kubeconfigText({ server, ca, token })
  writePrivately(flags.kubeconfig, text)
  const stopped = Promise.withResolvers<void>()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopped.resolve())
  writeSync(1, `spiderpool-apiserver ready at ${server}, kubeconfig ${flags.kubeconfig}\n`)
  await stopped.promise
  await core.stop(() => listening.stop(true))
}

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host)

export async function main(argv: readonly string[]): Promise<void> {
  if (argv.includes('--help')) return void writeSync(1, USAGE)
  try {
    await serve(flagsOf(argv))
  } catch (error) {
    writeSync(2, `spiderpool-apiserver: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}
