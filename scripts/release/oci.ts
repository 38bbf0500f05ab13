// An image of the OCI image specification 1.0: blobs by digest, one index for all machines. The
// same files and the same commit make the same bytes.
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const INDEX = 'application/vnd.oci.image.index.v1+json'
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip'

/** containerd names an image by this annotation, podman and skopeo by the other. */
const CONTAINERD_NAME = 'io.containerd.image.name'
const REF_NAME = 'org.opencontainers.image.ref.name'

export interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly platform?: { readonly architecture: string; readonly os: string }
  readonly annotations?: Readonly<Record<string, string>>
}

export interface ImageFacts {
  /** With registry and tag: the name that a runtime gives the image. */
  readonly name: string
  readonly entrypoint: readonly string[]
  /** RFC 3339, the time of the commit: an image of the same commit is the same. */
  readonly created: string
  /** org.opencontainers.image.… of the config, the manifests and the index. */
  readonly labels: Readonly<Record<string, string>>
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Path in the layout to content. */
export type Layout = ReadonlyMap<string, Uint8Array>

/** The layout of the image. `layers`: the uncompressed tar of each machine, by its OCI name. */
export function layoutOf(facts: ImageFacts, layers: Readonly<Record<string, Uint8Array>>): Layout {
  const blobs = new Map<string, Uint8Array>()
  const put = (mediaType: string, bytes: Uint8Array): Descriptor => {
    const digest = sha256(bytes)
    blobs.set(`blobs/sha256/${digest}`, bytes)
    return { mediaType, digest: `sha256:${digest}`, size: bytes.length }
  }
  const json = (mediaType: string, value: object): Descriptor => put(mediaType, Buffer.from(JSON.stringify(value)))
  const { name, entrypoint, created, labels } = facts
  const manifests = Object.entries(layers).map(([architecture, tar]): Descriptor => {
    const config = json(CONFIG, {
      ...{ created, architecture, os: 'linux' },
      config: { Entrypoint: entrypoint, Env: ['PATH=/bin'], WorkingDir: '/', Labels: labels },
      rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(tar)}`] },
      history: [{ created, created_by: 'scripts/release/main.ts' }],
    })
    const layer = put(LAYER, gzipSync(tar))
    const manifest = { schemaVersion: 2, mediaType: MANIFEST, config, layers: [layer], annotations: labels }
    return { ...json(MANIFEST, manifest), platform: { architecture, os: 'linux' } }
  })
  const index = json(INDEX, { schemaVersion: 2, mediaType: INDEX, manifests, annotations: labels })
  const named = { ...index, annotations: { [CONTAINERD_NAME]: name, [REF_NAME]: name } }
  blobs.set('index.json', Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [named] })))
  blobs.set('oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}'))
  return blobs
}
