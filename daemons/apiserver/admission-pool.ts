// Admission of SpiderIPPool and SpiderReservedIP: what a webhook does in a cluster, in the server's own process. The rules are lib/crd's.
import { IPAM_LABEL_POOL_UID, SPIDERPOOL_GROUP } from '../../lib/crd/names.js'
import type { Fault } from '../../lib/crd/fault.js'
import { defaultPool, validatePool } from '../../lib/crd/ippool.js'
import { defaultReservedIP, validateReservedIP } from '../../lib/crd/reservedip.js'
import type { SpiderIPAddress, SpiderIPPool, SpiderReservedIP } from '../../lib/crd/types.js'
import { parsePrefix } from '../../lib/ip/cidr.js'
import type { Admission } from './admission.js'
import { labelText } from './label.js'
import { at, isFields, type Stored } from './object.js'
import { fault, invalid, type Cause } from './failure.js'

const POOL = { group: SPIDERPOOL_GROUP, plural: 'spiderippools', kind: 'SpiderIPPool' }
const RESERVED = { group: SPIDERPOOL_GROUP, plural: 'spiderreservedips', kind: 'SpiderReservedIP' }
export const RESERVED_IPS = `${SPIDERPOOL_GROUP}/spiderreservedips`
export const POOLS = `${SPIDERPOOL_GROUP}/spiderippools`
const ADDRESSES = `${SPIDERPOOL_GROUP}/spideripaddresses`

const areTexts = (value: unknown): boolean =>
  value === undefined || (Array.isArray(value) && value.every(one => typeof one === 'string'))
const hasRanges = (object: Stored): boolean =>
  areTexts(at(object, 'spec', 'ips')) && areTexts(at(object, 'spec', 'excludeIPs'))

/** What is given comes before the schema is checked, as in a cluster: an object of wrong types is left for the schema to name. */
const isPool = (object: Stored): object is Stored & SpiderIPPool =>
  typeof at(object, 'spec', 'subnet') === 'string' && hasRanges(object)
const isAddress = (object: Stored): object is Stored & SpiderIPAddress => isFields(object['spec'])

export const poolAdmission: Partial<Admission> = {
  mutate(object) {
    if (!isPool(object)) return object
    const { metadata, spec } = defaultPool(object)
    const { finalizers = [], labels = {} } = metadata
    return { ...object, metadata: { ...object.metadata, finalizers: [...finalizers], labels: { ...labels } }, spec }
  },
  validate(object, old, others) {
    if (!isPool(object)) return
    const before = old && isPool(old) ? old : undefined
    const allocated =
      before === undefined ? [] : heldFrom(others(ADDRESSES, labelText(IPAM_LABEL_POOL_UID, object.metadata.uid)))
    const faults = validatePool(object, { old: before, others: others(POOLS).filter(isPool), allocated })
    if (faults.length > 0) throw invalid(POOL, object.metadata.name, faults.map(causeOf))
  },
}

const isReserved = (object: Stored): object is Stored & SpiderReservedIP =>
  isFields(object['spec']) && hasRanges(object)

export const reservedAdmission: Partial<Admission> = {
  mutate: object => (isReserved(object) ? { ...object, spec: defaultReservedIP(object).spec } : object),
  validate(object, old) {
    if (!isReserved(object)) return
    const faults = validateReservedIP(object, old && isReserved(old) ? old : undefined)
    if (faults.length > 0) throw invalid(RESERVED, object.metadata.name, faults.map(causeOf))
  },
}

const heldFrom = (addresses: readonly Stored[]) =>
  addresses.flatMap(address => {
    if (!isAddress(address)) return []
    const ip = parsePrefix(address.spec.address)?.ip
    return ip === undefined ? [] : [{ ip, pod: `${address.spec.pod.namespace}/${address.spec.pod.name}` }]
  })

function causeOf({ field, value, why, kind }: Fault): Cause {
  switch (kind) {
    case 'invalid':
      return fault.invalid(field, value, why)
    case 'forbidden':
      return fault.forbidden(field, why)
    case 'unsupported':
      return fault.notSupported(field, value, [4, 6])
  }
}
