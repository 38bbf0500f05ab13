// Objects and lists in the form asked for: whole, metadata only, as a Table. Knows forms; knows no storage.
import type { Status } from './failure.js'
import { apiVersionOf, type KindInfo } from './kinds.js'
import type { Page } from './list.js'
import type { Stored } from './object.js'
import type { Asked } from './rest.js'
import { spoken } from './write.js'

export type Printed = { readonly code: number; readonly kind: KindInfo } & (
  { readonly object: Stored } | { readonly list: Page } | { readonly status: Status }
)

const META_VERSION = 'meta.k8s.io/v1'

export const metadataOnly = ({ metadata }: Stored): object => ({
  kind: 'PartialObjectMetadata',
  apiVersion: META_VERSION,
  metadata,
})

const listMeta = ({ revision, continueAt, remaining }: Page): object => ({
  resourceVersion: String(revision),
  ...(continueAt !== '' && { continue: continueAt }),
  ...(continueAt !== '' && remaining !== undefined && remaining > 0 && { remainingItemCount: remaining }),
})

function listIn(page: Page, kind: KindInfo, asked: Asked): object {
  const metadata = listMeta(page)
  switch (asked.answer.form) {
    case 'object':
      return { kind: kind.listKind, apiVersion: apiVersionOf(kind), metadata, items: page.items }
    case 'metadata':
      return {
        kind: 'PartialObjectMetadataList',
        apiVersion: META_VERSION,
        metadata,
        items: page.items.map(metadataOnly),
      }
    case 'table':
      return { ...tableIn(page.items, kind, asked), metadata }
  }
}

function objectIn(object: Stored, kind: KindInfo, asked: Asked): object {
  switch (asked.answer.form) {
    case 'object':
      return object
    case 'metadata':
      return metadataOnly(object)
    case 'table':
      return tableIn([object], kind, asked)
  }
}

function tableIn(objects: readonly Stored[], kind: KindInfo, { query }: Asked): object {
  void query
  return {
    kind: 'Table',
    apiVersion: META_VERSION,
    metadata: {},
    columnDefinitions: [{ name: 'Name', type: 'string', format: 'name', description: '', priority: 0 }],
    rows: objects.map(o => ({ cells: [o.metadata.name], object: metadataOnly(o) })),
    of: kind.kind,
  }
}

const quoted = (text: string): string => `"${text.replaceAll(/[\\"]/g, '\\$&').replaceAll('\n', ' ')}"`

/** The answer; warnings as RFC 7234 §5.5 has them, code 299, as Kubernetes sends them. */
export function answerWith(printed: Printed, asked: Asked, printYaml: (value: unknown) => string): Response {
  const { code, kind } = printed
  const value =
    'object' in printed
      ? objectIn(printed.object, kind, asked)
      : 'list' in printed
        ? listIn(printed.list, kind, asked)
        : printed.status
  const yaml = asked.answer.type === 'yaml'
  const headers = new Headers({ 'content-type': yaml ? 'application/yaml' : 'application/json' })
  for (const warning of asked.warnings) headers.append('warning', `299 - ${quoted(warning)}`)
  return new Response(yaml ? printYaml(value) : JSON.stringify(value), { status: code, headers })
}

/** Prints the objects of a watch's events. */
export function eventPrinter(kind: KindInfo, asked: Asked): (object: Stored, body: string | undefined) => string {
  return (object, body) => {
    const inVersion = spoken(kind, object)
    if (asked.answer.form === 'object' && inVersion === object) return body ?? JSON.stringify(object)
    return JSON.stringify(objectIn(inVersion, kind, asked))
  }
}

export function bookmarkOf(kind: KindInfo, asked: Asked): (revision: number, initialEnd: boolean) => string {
  return (revision, initialEnd) => {
    const annotations = initialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}
    const metadata = { resourceVersion: String(revision), creationTimestamp: null, ...annotations }
    if (asked.answer.form === 'metadata')
      return JSON.stringify({ kind: 'PartialObjectMetadata', apiVersion: META_VERSION, metadata })
    return JSON.stringify({ kind: kind.kind, apiVersion: apiVersionOf(kind), metadata })
  }
}
