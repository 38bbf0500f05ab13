// Objects that exist before the first request: namespaces, built-in CRDs and manifests of --crds.
import type { Manifest } from './data-dir.js'
import { isFields, type JsonObject } from './schema/stored-object.js'
import type { ApiServer } from './http/request.js'
import { apiVersionOf, type KindInfo } from './schema/kinds.js'
import { create, refOf, update, type Target, type WriteParams } from './registry/write.js'
import { messageOf } from '../../lib/errors.js'

const NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease']
const WRITE: WriteParams = { dryRun: false, fieldValidation: 'Ignore', warn: () => {} }

/** Creates the object of a manifest, or replaces everything but its metadata and status. */
async function applyManifest(server: ApiServer, manifest: unknown, from: string): Promise<void> {
  if (!isFields(manifest)) return
  const { apiVersion, kind: kindName, metadata } = manifest
  if (typeof apiVersion !== 'string' || typeof kindName !== 'string')
    throw new Error(`${from}: a document needs apiVersion and kind; correct the file or move it away`)
  const kind = server.registry.ofKind(apiVersion, kindName)
  if (!kind) throw new Error(`${from}: no kind ${kindName} in ${apiVersion} is served; list its CRD before it`)
  const named = isFields(metadata) ? metadata : {}
  try {
    await createOrReplace(server, { kind, manifest, named })
  } catch (error) {
    throw new Error(`${from}: ${kindName} ${String(named['name'])}: ${messageOf(error)}`, { cause: error })
  }
}

interface ManifestTarget {
  readonly kind: KindInfo
  readonly manifest: JsonObject
  /** The manifest's metadata. */
  readonly named: JsonObject
}

async function createOrReplace(server: ApiServer, { kind, manifest, named }: ManifestTarget): Promise<void> {
  const namespace = kind.namespaced ? String(named['namespace'] ?? 'default') : ''
  const target: Target = { kind, namespace, name: String(named['name']) }
  const old = server.store.read(refOf(target))
  if (!old) return void (await create(server.store, target, { ...manifest, apiVersion: apiVersionOf(kind) }, WRITE))
  const change = (now: typeof old): unknown => {
    const { labels, annotations } = now.metadata
    const meta = {
      ...now.metadata,
      ...(isFields(named['labels']) && { labels: { ...labels, ...named['labels'] } }),
      ...(isFields(named['annotations']) && { annotations: { ...annotations, ...named['annotations'] } }),
    }
    return { ...now, ...manifest, metadata: meta }
  }
  await update(server.store, target, change, { ...WRITE, status: false })
}

function parseDocuments({ parseYaml }: ApiServer, { from, text }: Manifest): readonly unknown[] {
  const parts = text.split(/^---\s*$/m).filter(part => part.trim() !== '')
  return parts.map((part, i) => {
    try {
      return parseYaml(part)
    } catch (error) {
      const which = parts.length === 1 ? '' : ` (document ${i + 1} of ${parts.length})`
      throw new Error(`${from}${which}: ${messageOf(error)}; correct the file or move it away`, { cause: error })
    }
  })
}

/** Applies the namespaces, then the manifests in order. @throws an Error that names the file. */
export async function bootstrap(server: ApiServer, manifests: readonly Manifest[]): Promise<void> {
  for (const name of NAMESPACES)
    await applyManifest(server, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, 'start')
  for (const manifest of manifests)
    for (const object of parseDocuments(server, manifest)) await applyManifest(server, object, manifest.from)
}
