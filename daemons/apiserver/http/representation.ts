// Objects and lists in the negotiated form: as stored, metadata only, or as a Table.
import { badRequest, type Status } from '../schema/status-error.js'
import { apiVersionOf, type KindInfo } from '../schema/kinds.js'
import type { Page } from '../storage/list.js'
import type { Stored } from '../schema/stored-object.js'
import type { ApiRequest } from './request.js'
import { tableOf, type TableMeta, type TableOptions } from '../table/table.js'
import { inVersionOf } from '../registry/write.js'

/** The result of a verb, before it is printed in the negotiated form. */
export type Printed = { readonly code: number; readonly kind: KindInfo } & (
  { readonly object: Stored } | { readonly list: Page } | { readonly status: Status }
)

const metaVersion = ({ answer }: ApiRequest): string => `meta.k8s.io/${answer.version}`

const metadataOnly = ({ metadata }: Stored, req: ApiRequest): object => ({
  kind: 'PartialObjectMetadata',
  apiVersion: metaVersion(req),
  metadata,
})

const listMeta = ({ revision, continueAt, remaining }: Page): TableMeta => ({
  resourceVersion: String(revision),
  ...(continueAt !== '' && { continue: continueAt }),
  ...(continueAt !== '' && remaining !== undefined && remaining > 0 && { remainingItemCount: remaining }),
})

function printList(page: Page, kind: KindInfo, req: ApiRequest): object {
  const metadata = listMeta(page)
  switch (req.answer.form) {
    case 'object':
      return { kind: kind.listKind, apiVersion: apiVersionOf(kind), metadata, items: page.items }
    case 'metadata': {
      const items = page.items.map(object => metadataOnly(object, req))
      return { kind: 'PartialObjectMetadataList', apiVersion: metaVersion(req), metadata, items }
    }
    case 'table':
      return tableOf(kind, page.items, { ...tableOptions(req), metadata })
  }
}

function printObject(object: Stored, kind: KindInfo, req: ApiRequest, noHeaders: boolean): object {
  switch (req.answer.form) {
    case 'object':
      return object
    case 'metadata':
      return metadataOnly(object, req)
    case 'table': {
      const { resourceVersion } = object.metadata
      return tableOf(kind, [object], { ...tableOptions(req), noHeaders, metadata: { resourceVersion } })
    }
  }
}

const INCLUDES = ['Metadata', 'None', 'Object'] as const

function tableOptions({ query, answer }: ApiRequest): TableOptions {
  const value = query.get('includeObject') ?? ''
  const includeObject = value === '' ? 'Metadata' : INCLUDES.find(known => known === value)
  if (includeObject === undefined)
    throw badRequest(
      `includeObject: Unsupported value: ${JSON.stringify(value)}: supported values: "Metadata", "None", "Object"`,
    )
  return { nowMs: Date.now(), includeObject, version: answer.version }
}

const quoted = (text: string): string => `"${text.replaceAll(/[\\"]/g, '\\$&').replaceAll('\n', ' ')}"`

/**
 * The HTTP response, with Warning headers of code 299 (RFC 7234 §5.5) as kube-apiserver sends them.
 */
export function toResponse(printed: Printed, req: ApiRequest, printYaml: (value: unknown) => string): Response {
  const { code, kind } = printed
  const value =
    'object' in printed
      ? printObject(printed.object, kind, req, false)
      : 'list' in printed
        ? printList(printed.list, kind, req)
        : printed.status
  const yaml = req.answer.type === 'yaml'
  const headers = new Headers({ 'content-type': yaml ? 'application/yaml' : 'application/json' })
  for (const warning of req.warnings) headers.append('warning', `299 - ${quoted(warning)}`)
  return new Response(yaml ? printYaml(value) : JSON.stringify(value), { status: code, headers })
}

/** Prints the objects of watch events. Only the first Table has column definitions. */
export function eventPrinter(kind: KindInfo, req: ApiRequest): (object: Stored, body: string | undefined) => string {
  let noHeaders = false
  return (object, body) => {
    const converted = inVersionOf(kind, object)
    if (req.answer.form === 'object' && converted === object) return body ?? JSON.stringify(object)
    const text = JSON.stringify(printObject(converted, kind, req, noHeaders))
    noHeaders = true
    return text
  }
}

/** Prints the object of a BOOKMARK event in the negotiated form. */
export function bookmarkOf(kind: KindInfo, req: ApiRequest): (revision: number, initialEnd: boolean) => string {
  return (revision, initialEnd) => {
    const annotations = initialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}
    const resourceVersion = String(revision)
    const metadata = { resourceVersion, creationTimestamp: null, ...annotations }
    switch (req.answer.form) {
      case 'object':
        return JSON.stringify({ kind: kind.kind, apiVersion: apiVersionOf(kind), metadata })
      case 'metadata':
        return JSON.stringify({ kind: 'PartialObjectMetadata', apiVersion: metaVersion(req), metadata })
      case 'table': {
        const object = { kind: kind.kind, apiVersion: apiVersionOf(kind), metadata }
        const rows = [{ cells: [], object }]
        return JSON.stringify({
          kind: 'Table',
          apiVersion: metaVersion(req),
          metadata: { resourceVersion },
          columnDefinitions: [],
          rows,
        })
      }
    }
  }
}
