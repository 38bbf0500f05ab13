// Validation of ObjectMeta: names, labels, annotations, finalizers
// (apimachinery/pkg/util/validation). Pure.
import { fault, type Cause } from '../schema/status-error.js'
import { isFields, type JsonObject } from '../schema/stored-object.js'
import type { KindInfo } from '../schema/kinds.js'

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const SERVICE = /^[a-z]([-a-z0-9]*[a-z0-9])?$/
const QUALIFIED = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/
const LABEL_MAX = 63
const SUBDOMAIN_MAX = 253
const ANNOTATIONS_BYTES_MAX = 262_144

const SUBDOMAIN_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
const LABEL_RULE =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
const SERVICE_RULE =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
const VALUE_RULE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
const KEY_RULE =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"

const tooLong = (max: number): string => `must be no more than ${max} characters`

/**
 * Why `text` is not a DNS-1123 subdomain (RFC 1123 §2.1, at most 253 characters); undefined if it
 * is one.
 */
export function subdomainFault(text: string): string | undefined {
  if (text.length > SUBDOMAIN_MAX) return tooLong(SUBDOMAIN_MAX)
  return SUBDOMAIN.test(text) ? undefined : SUBDOMAIN_RULE
}

const labelFault = (text: string): string | undefined =>
  text.length > LABEL_MAX ? tooLong(LABEL_MAX) : LABEL.test(text) ? undefined : LABEL_RULE

const serviceFault = (text: string): string | undefined =>
  text.length > LABEL_MAX ? tooLong(LABEL_MAX) : SERVICE.test(text) ? undefined : SERVICE_RULE

const NAME_RULES: Readonly<Record<string, (text: string) => string | undefined>> = {
  namespaces: labelFault,
  services: serviceFault,
}

const ruleFor = ({ group, plural }: KindInfo): ((text: string) => string | undefined) =>
  (group === '' ? NAME_RULES[plural] : undefined) ?? subdomainFault

function keyFault(key: string): string | undefined {
  const [prefix, name, ...more] = key.includes('/') ? key.split('/') : [undefined, key]
  if (name === undefined || more.length > 0) return `a qualified name ${KEY_RULE}`
  if (prefix !== undefined && subdomainFault(prefix) !== undefined) return `prefix part ${SUBDOMAIN_RULE}`
  if (name === '') return 'name part must be non-empty'
  if (name.length > LABEL_MAX) return `name part ${tooLong(LABEL_MAX)}`
  return QUALIFIED.test(name) ? undefined : KEY_RULE
}

function labelFaults(labels: unknown): readonly Cause[] {
  return Object.entries(isFields(labels) ? labels : {}).flatMap(([key, value]) => {
    const wrongKey = keyFault(key)
    const text = String(value)
    const wrongValue = text.length > LABEL_MAX ? tooLong(LABEL_MAX) : LABEL_VALUE.test(text) ? undefined : VALUE_RULE
    return [
      ...(wrongKey === undefined ? [] : [fault.invalid('metadata.labels', key, wrongKey)]),
      ...(wrongValue === undefined ? [] : [fault.invalid('metadata.labels', text, wrongValue)]),
    ]
  })
}

function annotationFaults(annotations: unknown): readonly Cause[] {
  const entries = Object.entries(isFields(annotations) ? annotations : {})
  const bytes = entries.reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(String(value)),
    0,
  )
  return [
    ...entries.flatMap(([key]) => {
      const wrong = keyFault(key.toLowerCase())
      return wrong === undefined ? [] : [fault.invalid('metadata.annotations', key, wrong)]
    }),
    ...(bytes > ANNOTATIONS_BYTES_MAX
      ? [
          {
            reason: 'FieldValueTooLong',
            message: `Too long: may not be more than ${ANNOTATIONS_BYTES_MAX} bytes`,
            field: 'metadata.annotations',
          },
        ]
      : []),
  ]
}

function ownerFaults(owners: unknown): readonly Cause[] {
  const list: readonly unknown[] = Array.isArray(owners) ? owners : []
  const missing = list.flatMap((owner, i) =>
    (['apiVersion', 'kind', 'name', 'uid'] as const).flatMap(key =>
      isFields(owner) && typeof owner[key] === 'string' && owner[key] !== ''
        ? []
        : [fault.invalid(`metadata.ownerReferences[${i}].${key}`, '', `${key} must not be empty`)],
    ),
  )
  const controllers = list.filter(owner => isFields(owner) && owner['controller'] === true)
  if (controllers.length < 2) return missing
  const why = 'Only one reference can have Controller set to true'
  return [...missing, fault.invalid('metadata.ownerReferences', list, why)]
}

/** All causes for which the metadata is invalid, once the name is set. */
export function metadataFaults(kind: KindInfo, metadata: JsonObject): readonly Cause[] {
  const { name, labels, annotations, finalizers, ownerReferences } = metadata
  const faults: Cause[] = []
  if (typeof name !== 'string' || name === '')
    faults.push(fault.required('metadata.name', 'name or generateName is required'))
  else {
    const wrong = ruleFor(kind)(name)
    if (wrong !== undefined) faults.push(fault.invalid('metadata.name', name, wrong))
  }
  const list: readonly unknown[] = Array.isArray(finalizers) ? finalizers : []
  for (const finalizer of list) {
    const wrong = keyFault(String(finalizer))
    if (wrong !== undefined) faults.push(fault.invalid('metadata.finalizers', finalizer, wrong))
  }
  return [...faults, ...labelFaults(labels), ...annotationFaults(annotations), ...ownerFaults(ownerReferences)]
}

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  name: isText,
  namespace: isText,
  generateName: isText,
  uid: isText,
  resourceVersion: isText,
  labels: isTexts,
  annotations: isTexts,
  finalizers: value => Array.isArray(value) && value.every(isText),
  ownerReferences: value => Array.isArray(value) && value.every(isFields),
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
function isTexts(value: unknown): boolean {
  return isFields(value) && Object.values(value).every(isText)
}

/** The first field of `metadata` with a wrong JSON type; null counts as absent, as in Go. */
export function mistypedField(metadata: JsonObject): string | undefined {
  return Object.keys(TYPES).find(key => {
    const value = metadata[key]
    return value !== undefined && value !== null && TYPES[key]?.(value) === false
  })
}
