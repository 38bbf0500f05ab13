// Kinds for unit tests: one of a CRD, and the built-in ones by name.
import { BUILTIN_KINDS, type KindInfo, type Schema } from '../../../daemons/apiserver/schema/kinds.js'

export function builtin(kind: string): KindInfo {
  const found = BUILTIN_KINDS.find(each => each.kind === kind)
  if (!found) throw new Error(`no built-in kind ${kind}`)
  return found
}

const SCHEMA: Schema = {
  type: 'object',
  description: 'A pool of addresses.',
  properties: {
    spec: {
      type: 'object',
      required: ['subnet'],
      properties: {
        subnet: { type: 'string', description: 'The network.' },
        size: { type: 'integer', format: 'int64', minimum: 0 },
        default: { type: 'boolean', default: false },
        ips: { type: 'array', items: { type: 'string' } },
        tags: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
        routes: {
          type: 'array',
          items: {
            type: 'object',
            required: ['dst'],
            properties: { dst: { type: 'string' }, gw: { type: 'string' }, metric: { type: 'integer' } },
          },
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['dst'],
        },
        affinity: {
          type: 'object',
          properties: { matchLabels: { type: 'object', additionalProperties: { type: 'string' } } },
          'x-kubernetes-map-type': 'atomic',
        },
        limits: { type: 'object', properties: { min: { type: 'integer' }, max: { type: 'integer' } } },
        notes: { type: 'object', additionalProperties: { type: 'string' } },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        either: { 'x-kubernetes-int-or-string': true },
      },
    },
    status: { type: 'object', properties: { used: { type: 'integer' } } },
  },
}

export const POOLS: KindInfo = {
  group: 'example.com',
  version: 'v1beta1',
  kind: 'Pool',
  listKind: 'PoolList',
  plural: 'pools',
  singular: 'pool',
  shortNames: ['po2', 'pl'],
  categories: ['net'],
  namespaced: false,
  hasStatus: true,
  columns: [
    { name: 'Subnet', type: 'string', jsonPath: '.spec.subnet' },
    { name: 'Used', type: 'integer', jsonPath: '.status.used' },
    { name: 'Default', type: 'boolean', jsonPath: '.spec.default', description: 'given where none is named' },
    { name: 'App', type: 'string', jsonPath: String.raw`.spec.affinity.matchLabels['x\.io/app']`, priority: 10 },
    { name: 'Since', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  schema: SCHEMA,
  custom: true,
}
