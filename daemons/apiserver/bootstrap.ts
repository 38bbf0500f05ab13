// What is there before the first request: namespaces, the CRDs built in, and those of --crds. Knows manifests; knows no flags.
import { isFields } from './object.js'
import type { Server } from './rest.js'
import { apiVersionOf } from './kinds.js'
import { create, refOf, update, type Target, type WriteOptions } from './write.js'

const NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease']
const QUIETLY: WriteOptions = { dryRun: false, fieldValidation: 'Ignore', warn: () => {} }

/** Applies a manifest: creates it, or replaces what differs but the metadata and status. */
async function settle(server: Server, manifest: unknown, from: string): Promise<void> {
  if (!isFields(manifest)) return
  const { apiVersion, kind: kindName, metadata } = manifest
  const kind = server.registry.ofKind(String(apiVersion), String(kindName))
  if (!kind) throw new Error(`${from}: no kind ${String(kindName)} in ${String(apiVersion)} is served`)
  const named = isFields(metadata) ? metadata : {}
  const namespace = kind.namespaced ? String(named['namespace'] ?? 'default') : ''
  const target: Target = { kind, namespace, name: String(named['name']) }
  const old = server.store.read(refOf(target))
  if (!old) return void (await create(server.store, target, { ...manifest, apiVersion: apiVersionOf(kind) }, QUIETLY))
  const change = (now: typeof old): unknown => {
    const { labels, annotations } = now.metadata
    const meta = {
      ...now.metadata,
      ...(isFields(named['labels']) && { labels: { ...labels, ...named['labels'] } }),
      ...(isFields(named['annotations']) && { annotations: { ...annotations, ...named['annotations'] } }),
    }
    return { ...now, ...manifest, metadata: meta }
  }
  await update(server.store, target, change, { ...QUIETLY, status: false })
}

function documents(server: Server, text: string): readonly unknown[] {
  return text
    .split(/^---\s*$/m)
    .filter(part => part.trim() !== '')
    .map(server.parseYaml)
}

export async function bootstrap(server: Server, texts: readonly string[]): Promise<void> {
  for (const name of NAMESPACES)
    await settle(server, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, 'start')
  for (const text of texts) for (const manifest of documents(server, text)) await settle(server, manifest, '--crds')
}
