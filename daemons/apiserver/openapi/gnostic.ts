// Swagger 2.0 in the protobuf form of gnostic (openapiv2/OpenAPIv2.proto), which kubectl up to 1.26
// reads.
import {
  bool,
  double,
  int64,
  mapOf,
  message,
  namedFields,
  string,
  text,
  wrapped,
  type WireKind,
} from './protobuf-writer.js'

/** openapi.v2.Any: a value as YAML. JSON is YAML. */
const any: WireKind = {
  wire: 2,
  write: value => wrapped(2, string).write(JSON.stringify(value)),
}

/** The `x-` keys, at the field number of this message. */
const extensions =
  (number: number) =>
  (value: Record<string, unknown>): readonly Uint8Array[] =>
    namedFields(
      Object.entries(value).filter(([key]) => key.startsWith('x-')),
      number,
      any,
    )

const additionalProperties: WireKind = {
  wire: 2,
  write: value => (typeof value === 'boolean' ? wrapped(2, bool) : wrapped(1, schema)).write(value),
}

const schema: WireKind = message(
  () => ({
    $ref: [1, string],
    format: [2, string],
    title: [3, string],
    description: [4, string],
    default: [5, any],
    multipleOf: [6, double],
    maximum: [7, double],
    exclusiveMaximum: [8, bool],
    minimum: [9, double],
    exclusiveMinimum: [10, bool],
    maxLength: [11, int64],
    minLength: [12, int64],
    pattern: [13, string],
    maxItems: [14, int64],
    minItems: [15, int64],
    uniqueItems: [16, bool],
    maxProperties: [17, int64],
    minProperties: [18, int64],
    required: [19, text],
    enum: [20, any],
    additionalProperties: [21, additionalProperties],
    type: [22, wrapped(1, string)],
    items: [23, wrapped(1, schema)],
    properties: [25, mapOf(schema)],
  }),
  extensions(31),
)

const bodyParameter = message(() => ({
  description: [1, string],
  name: [2, string],
  in: [3, string],
  required: [4, bool],
  schema: [5, schema],
}))

const queryParameter = message(() => ({
  required: [1, bool],
  in: [2, string],
  description: [3, string],
  name: [4, string],
  type: [6, string],
  uniqueItems: [20, bool],
}))

const pathParameter = message(() => ({
  required: [1, bool],
  in: [2, string],
  description: [3, string],
  name: [4, string],
  type: [5, string],
  uniqueItems: [19, bool],
}))

/** ParametersItem{1: Parameter{1: body | 2: NonBodyParameter{3: query | 4: path}}}. */
const parameter: WireKind = {
  wire: 2,
  write(value) {
    const location = typeof value === 'object' && value !== null && 'in' in value ? value.in : undefined
    switch (location) {
      case 'body':
        return wrapped(1, wrapped(1, bodyParameter)).write(value)
      case 'query':
        return wrapped(1, wrapped(2, wrapped(3, queryParameter))).write(value)
      case 'path':
        return wrapped(1, wrapped(2, wrapped(4, pathParameter))).write(value)
      default:
        return undefined
    }
  },
}

/** ResponseValue{1: Response}; a response's schema is SchemaItem{1: Schema}. */
const response = wrapped(
  1,
  message(() => ({ description: [1, string], schema: [2, wrapped(1, schema)] })),
)

const operation = message(
  () => ({
    tags: [1, text],
    description: [3, string],
    operationId: [5, string],
    produces: [6, text],
    consumes: [7, text],
    parameters: [8, parameter],
    responses: [9, mapOf(response)],
  }),
  extensions(13),
)

const pathItem = message(() => ({
  get: [2, operation],
  put: [3, operation],
  post: [4, operation],
  delete: [5, operation],
  patch: [8, operation],
  parameters: [9, parameter],
}))

const document = message(() => ({
  swagger: [1, string],
  info: [2, message(() => ({ title: [1, string], version: [2, string] }))],
  consumes: [6, text],
  produces: [7, text],
  paths: [8, mapOf(pathItem, 2)],
  definitions: [9, mapOf(schema)],
}))

/** The bytes of an openapi.v2.Document. Keys without a field number are omitted. */
export const encodeDocument = (swagger: object): Uint8Array => document.write(swagger) ?? new Uint8Array()
