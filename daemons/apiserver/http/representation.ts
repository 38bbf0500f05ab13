// Objects and lists in the form asked for: whole, metadata only, as a Table. Knows forms; knows no storage.
import { badRequest, type Status } from '../schema/status-error.js'
import { apiVersionOf, type KindInfo } from '../schema/kinds.js'
import type { Page } from '../storage/list.js'
import type { Stored } from '../storage/object.js'
import type { ApiRequest } from './handler.js'
import { tableOf, type TableMeta, type TableOptions } from '../table/table.js'
import { spoken } from '../registry/write.js'

export type Printed = { readonly code: number; readonly kind: KindInfo } & (
  { readonly object: Stored } | { readonly list: Page } | { readonly status: Status }
)

const metaVersion = ({ answer }: ApiRequest): string => `meta.k8s.io/${answer.version}`

const metadataOnly = ({ metadata }: Stored, asked: ApiRequest): object => ({
  kind: 'PartialObjectMetadata',
  apiVersion: metaVersion(asked),
  metadata,
})

const listMeta = ({ revision, continueAt, remaining }: Page): TableMeta => ({
  resourceVersion: String(revision),
  ...(continueAt !== '' && { continue: continueAt }),
  ...(continueAt !== '' && remaining !== undefined && remaining > 0 && { remainingItemCount: remaining }),
})

function listIn(page: Page, kind: KindInfo, asked: ApiRequest): object {
  const metadata = listMeta(page)
  switch (asked.answer.form) {
    case 'object':
      return { kind: kind.listKind, apiVersion: apiVersionOf(kind), metadata, items: page.items }
    case 'metadata': {
      const items = page.items.map(object => metadataOnly(object, asked))
      return { kind: 'PartialObjectMetadataList', apiVersion: metaVersion(asked), metadata, items }
    }
    case 'table':
      return tableOf(kind, page.items, { ...tableOptions(asked), metadata })
  }
}

function objectIn(object: Stored, kind: KindInfo, asked: ApiRequest, noHeaders: boolean): object {
  switch (asked.answer.form) {
    case 'object':
      return object
    case 'metadata':
      return metadataOnly(object, asked)
    case 'table': {
      const { resourceVersion } = object.metadata
      return tableOf(kind, [object], { ...tableOptions(asked), noHeaders, metadata: { resourceVersion } })
    }
  }
}

const INCLUDES = ['Metadata', 'None', 'Object'] as const

function tableOptions({ query, answer }: ApiRequest): TableOptions {
  const asked = query.get('includeObject') ?? ''
  const includeObject = asked === '' ? 'Metadata' : INCLUDES.find(known => known === asked)
  if (includeObject === undefined)
    throw badRequest(
      `includeObject: Unsupported value: ${JSON.stringify(asked)}: supported values: "Metadata", "None", "Object"`,
    )
  return { nowMs: Date.now(), includeObject, version: answer.version }
}

const quoted = (text: string): string => `"${text.replaceAll(/[\\"]/g, '\\$&').replaceAll('\n', ' ')}"`

/** The answer; warnings as RFC 7234 §5.5 has them, code 299, as Kubernetes sends them. */
export function answerWith(printed: Printed, asked: ApiRequest, printYaml: (value: unknown) => string): Response {
  const { code, kind } = printed
  const value =
    'object' in printed
      ? objectIn(printed.object, kind, asked, false)
      : 'list' in printed
        ? listIn(printed.list, kind, asked)
        : printed.status
  const yaml = asked.answer.type === 'yaml'
  const headers = new Headers({ 'content-type': yaml ? 'application/yaml' : 'application/json' })
  for (const warning of asked.warnings) headers.append('warning', `299 - ${quoted(warning)}`)
  return new Response(yaml ? printYaml(value) : JSON.stringify(value), { status: code, headers })
}

/** Prints the objects of a watch's events. Of Tables only the first has columns. */
export function eventPrinter(kind: KindInfo, asked: ApiRequest): (object: Stored, body: string | undefined) => string {
  let noHeaders = false
  return (object, body) => {
    const inVersion = spoken(kind, object)
    if (asked.answer.form === 'object' && inVersion === object) return body ?? JSON.stringify(object)
    const text = JSON.stringify(objectIn(inVersion, kind, asked, noHeaders))
    noHeaders = true
    return text
  }
}

export function bookmarkOf(kind: KindInfo, asked: ApiRequest): (revision: number, initialEnd: boolean) => string {
  return (revision, initialEnd) => {
    const annotations = initialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}
    const resourceVersion = String(revision)
    const metadata = { resourceVersion, creationTimestamp: null, ...annotations }
    switch (asked.answer.form) {
      case 'object':
        return JSON.stringify({ kind: kind.kind, apiVersion: apiVersionOf(kind), metadata })
      case 'metadata':
        return JSON.stringify({ kind: 'PartialObjectMetadata', apiVersion: metaVersion(asked), metadata })
      case 'table': {
        const object = { kind: kind.kind, apiVersion: apiVersionOf(kind), metadata }
        const rows = [{ cells: [], object }]
        return JSON.stringify({
          kind: 'Table',
          apiVersion: metaVersion(asked),
          metadata: { resourceVersion },
          columnDefinitions: [],
          rows,
        })
      }
    }
  }
}
