// Decodes application/vnd.kubernetes.protobuf, which typed kubectl commands send. Pure.
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { messageOf } from '../../../lib/errors.js'
import { ApiError, badRequest, unsupportedMedia } from './status-error.js'
import type { JsonObject } from './stored-object.js'
import { MESSAGES } from './protobuf-messages.js'

export const PROTOBUF = 'application/vnd.kubernetes.protobuf'

const MAGIC = [0x6b, 0x38, 0x73, 0x00] // `k8s\0`, k8s.io/apimachinery/pkg/runtime/serializer/protobuf
const DEPTH_MAX = 16
const SECONDS_MAX = 253_402_300_799n // the end of the year 9999, the last in RFC 3339

interface Field {
  readonly name: string
  readonly type: string
  readonly is: 'one' | 'list' | 'map'
  readonly keepsEmpty: boolean
}

interface Raw {
  readonly number: number
  readonly value: bigint | Uint8Array
}

const FIELD = /^(?<number>\d+)=(?<name>\w+):(?<is>\[\]|\{\})?(?<type>\w+)(?<keeps>\*)?$/

const read = new Map<string, ReadonlyMap<number, Field>>()

function fieldsOfMessage(message: string): ReadonlyMap<number, Field> {
  const known = read.get(message)
  if (known) return known
  const fields = new Map<number, Field>()
  for (const text of (MESSAGES[message] ?? '').split(' ')) {
    const { number, name = '', is, type = '', keeps } = FIELD.exec(text)?.groups ?? {}
    if (number === undefined) throw new TypeError(`not a field: ${text}`)
    const shape = is === '[]' ? 'list' : is === '{}' ? 'map' : 'one'
    fields.set(Number(number), { name, type, is: shape, keepsEmpty: keeps !== undefined })
  }
  read.set(message, fields)
  return fields
}

/** The fields of a message, in order; these messages have wire types 0 and 2 only. */
function* rawFields(bytes: Uint8Array): Generator<Raw> {
  const reader = new BinaryReader(bytes)
  while (reader.pos < reader.len) yield rawField(reader)
}

function rawField(reader: BinaryReader): Raw {
  try {
    const [number, wire] = reader.tag()
    if (wire === WireType.Varint) return { number, value: BigInt(reader.int64()) }
    if (wire === WireType.LengthDelimited) return { number, value: reader.bytes() }
    throw badRequest(`field ${number} of the protobuf body has wire type ${wire}`)
  } catch (error) {
    throw error instanceof ApiError ? error : badRequest(`the protobuf body is malformed: ${messageOf(error)}`)
  }
}

const bytesIn = (value: bigint | Uint8Array): Uint8Array => {
  if (typeof value === 'bigint') throw badRequest('a number in the protobuf body where bytes belong')
  return value
}
const textIn = (value: bigint | Uint8Array): string => Buffer.from(bytesIn(value)).toString('utf8')
const numberIn = (value: bigint | Uint8Array): number => {
  if (typeof value !== 'bigint') throw badRequest('bytes in the protobuf body where a number belongs')
  return Number(value)
}

/** The first value of a field. */
function pick(bytes: Uint8Array, wanted: number): bigint | Uint8Array | undefined {
  for (const { number, value } of rawFields(bytes)) if (number === wanted) return value
  return undefined
}

function timeIn(bytes: Uint8Array): string | null {
  const seconds = pick(bytes, 1)
  if (typeof seconds === 'bigint' && (seconds < 0n || seconds > SECONDS_MAX))
    throw badRequest(`a time of ${seconds} s in the protobuf body`)
  return typeof seconds === 'bigint' ? new Date(Number(seconds) * 1000).toISOString().replace('.000Z', 'Z') : null
}

function intOrStringIn(bytes: Uint8Array): number | string {
  const text = pick(bytes, 3) ?? new Uint8Array()
  return pick(bytes, 1) === 1n ? textIn(text) : numberIn(pick(bytes, 2) ?? 0n)
}

function valueIn(value: bigint | Uint8Array, type: string, depth: number): unknown {
  switch (type) {
    case 'text':
      return textIn(value)
    case 'bytes':
      return Buffer.from(bytesIn(value)).toString('base64')
    case 'int':
      return numberIn(value)
    case 'bool':
      return numberIn(value) !== 0
    case 'Time':
      return timeIn(bytesIn(value))
    case 'Quantity':
      return textIn(pick(bytesIn(value), 1) ?? new Uint8Array())
    case 'IntOrString':
      return intOrStringIn(bytesIn(value))
    default:
      return message(bytesIn(value), type, depth + 1)
  }
}

/** Go encodes every field that is not a pointer; JSON omits empty ones. */
const isEmpty = (value: unknown): boolean => value === '' || value === 0 || value === false || value === null

function message(bytes: Uint8Array, type: string, depth: number): JsonObject {
  if (depth > DEPTH_MAX) throw badRequest(`the protobuf body is nested deeper than ${DEPTH_MAX}`)
  const fields = fieldsOfMessage(type)
  const lists = new Map<string, unknown[]>()
  const out: JsonObject = {}
  for (const { number, value } of rawFields(bytes)) {
    const field = fields.get(number)
    if (!field) throw unsupportedMedia([`application/json (field ${number} of ${type} is not read from protobuf)`])
    if (field.type === 'ignored') continue
    if (field.is === 'map') {
      const entry = bytesIn(value)
      const key = textIn(pick(entry, 1) ?? new Uint8Array())
      const item = valueIn(pick(entry, 2) ?? new Uint8Array(), field.type, depth)
      out[field.name] = Object.fromEntries([...Object.entries(out[field.name] ?? {}), [key, item]])
      continue
    }
    const item = valueIn(value, field.type, depth)
    if (field.is === 'list') lists.set(field.name, [...(lists.get(field.name) ?? []), item])
    else if (field.keepsEmpty || !isEmpty(item)) out[field.name] = item
  }
  return { ...out, ...Object.fromEntries(lists) }
}

/**
 * The object in a runtime.Unknown. @throws 415 for kinds and fields outside the tables, 400 for
 * invalid protobuf
 */
export function fromProtobuf(body: Uint8Array): JsonObject {
  if (MAGIC.some((byte, i) => body[i] !== byte)) throw badRequest('the protobuf body does not begin with k8s\\0')
  const envelope = body.subarray(MAGIC.length)
  const typeMeta = bytesIn(pick(envelope, 1) ?? new Uint8Array())
  const apiVersion = textIn(pick(typeMeta, 1) ?? new Uint8Array())
  const kind = textIn(pick(typeMeta, 2) ?? new Uint8Array())
  if (!Object.hasOwn(MESSAGES, kind)) throw unsupportedMedia(['application/json', 'application/yaml'])
  return { apiVersion, kind, ...message(bytesIn(pick(envelope, 2) ?? new Uint8Array()), kind, 0) }
}
