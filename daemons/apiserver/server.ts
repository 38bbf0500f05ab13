// The server without its socket: store, registry, watches and built-in controllers.
import { readManifests } from './data-dir.js'
import { CRDS, Registry } from './schema/kind-registry.js'
import { bootstrap } from './initial-objects.js'
import { BUILTIN_CRDS } from '../../schemas/crds/embedded.js'
import { PoolStatusUpdater } from './pool-status.js'
import { EndpointFinalizer } from './endpoint-finalizer.js'
import { GarbageCollector } from './garbage-collector.js'
import type { ApiServer } from './http/request.js'
import { ObjectStore } from './storage/store.js'
import { Watches } from './storage/watch.js'
import { codeOf, messageOf } from '../../lib/errors.js'

export interface CoreOptions {
  readonly database: string
  readonly token: string
  readonly crds: string | undefined
  readonly eventsMax: number
  readonly embeddedController: boolean
  readonly admits: boolean
}

export interface Core {
  readonly server: ApiServer
  /** Closes the watches, then runs `close`, then closes the store. */
  stop(close: () => unknown): Promise<void>
}

function openStore({ database, eventsMax }: CoreOptions): ObjectStore {
  try {
    return new ObjectStore(database, { eventsMax })
  } catch (error) {
    if (error instanceof Error && /locked|busy/i.test(error.message))
      throw new Error(
        `${database} is in use by another spiderpool-apiserver; stop that one or give another --data-dir`,
        { cause: error },
      )
    throw new Error(`${database}: ${messageOf(error)}; ${adviceOf(error)}`, {
      cause: error,
    })
  }
}

/** The remedy for a database that cannot be opened, by SQLite result code. */
function adviceOf(error: unknown): string {
  const code = codeOf(error)
  if (/^SQLITE_(NOTADB|CORRUPT)/.test(code))
    return 'restore it from a backup, or move it away to start with an empty one'
  if (code.startsWith('SQLITE_FULL')) return 'free space on its disk'
  return 'give another --data-dir'
}

/**
 * Opens the store, applies the bootstrap objects and starts the built-in controllers. @throws an
 * Error with a remedy.
 */
export async function startCore(options: CoreOptions): Promise<Core> {
  const manifests = options.crds === undefined ? [] : readManifests(options.crds)
  const store = openStore(options)
  const registry = new Registry(store.list({ resource: CRDS }), { admits: options.admits })
  store.onCommit(changes => {
    for (const { resource, type, object, name } of changes) {
      if (resource !== CRDS) continue
      if (type === 'DELETED') registry.remove(name)
      else registry.put(object)
    }
  })
  const watches = new Watches(store)
  const server: ApiServer = {
    store,
    registry,
    watches,
    token: options.token,
    parseYaml: Bun.YAML.parse,
    printYaml: value => Bun.YAML.stringify(value, null, 2),
  }
  const builtin = BUILTIN_CRDS.map(text => ({ from: 'a built-in CRD', text }))
  await bootstrap(server, [...builtin, ...manifests])
  const collector = new GarbageCollector(store, registry)
  const controllers = options.embeddedController
    ? [new PoolStatusUpdater(store, registry), new EndpointFinalizer(store, registry)]
    : []
  return {
    server,
    async stop(close) {
      collector.stop()
      for (const controller of controllers) controller.stop()
      watches.closeAll()
      await close()
      store.close()
    },
  }
}
