// Admission of Spiderpool’s kinds, which webhooks do in a cluster. The rules are those of lib/crd.
import { ADMISSIONS } from '../../../lib/crd/admission.js'
import { denialOf } from '../../../lib/crd/cause.js'
import { SPIDERPOOL_GROUP } from '../../../lib/crd/names.js'
import {
  EMPTY_CONTEXT,
  type Admission,
  type AdmissionContext,
  type ContextQuery,
  type AdmissionSwitches,
} from '../../../lib/crd/rules.js'
import type { BuiltinAdmission, ListResource } from './admission-interface.js'
import { denied } from '../schema/status-error.js'
import { labelText } from '../storage/label-key.js'
import { isFields, type Stored } from '../schema/stored-object.js'

/** A single host has both families; enableSpiderSubnet has no effect without subnets. */
const SWITCHES: AdmissionSwitches = { enableIPv4: true, enableIPv6: true, enableSpiderSubnet: true, keepsUsed: false }

const RESOURCES: { readonly [K in keyof AdmissionContext]: string } = {
  pools: `${SPIDERPOOL_GROUP}/spiderippools`,
  subnets: `${SPIDERPOOL_GROUP}/spidersubnets`,
  addresses: `${SPIDERPOOL_GROUP}/spideripaddresses`,
  definitions: 'k8s.cni.cncf.io/network-attachment-definitions',
  configs: `${SPIDERPOOL_GROUP}/spidermultusconfigs`,
  namespaces: '/namespaces',
}

/** Objects without spec may have been stored before the CRD had a schema. */
const hasSpec = (object: Stored): boolean => isFields(object['spec']) || object.kind === 'Namespace'

function contextOf(query: ContextQuery, list: ListResource): AdmissionContext {
  const entries = Object.entries(query).map(([what, { label, name, namespace }]) => {
    const [key = '', value = ''] = (label ?? '').split('=')
    const resource = RESOURCES[what as keyof AdmissionContext]
    const all = label === undefined ? list(resource) : list(resource, labelText(key, value))
    const matches = ({ metadata }: Stored): boolean =>
      (name === undefined || metadata.name === name) && (namespace === undefined || metadata.namespace === namespace)
    return [what, all.filter(one => matches(one) && hasSpec(one))]
  })
  return { ...EMPTY_CONTEXT, ...(Object.fromEntries(entries) as Partial<AdmissionContext>) } // each kind under its own key
}

const admissionOf = (rules: Admission): Partial<BuiltinAdmission> => ({
  mutate(object, old, list) {
    const written = { object, old, namespace: object.metadata.namespace ?? '' }
    const query = rules.toMutate(written, SWITCHES, EMPTY_CONTEXT)
    return rules.mutate(written, contextOf(query, list)) as Stored // mutate keeps the types of the schema
  },
  validate(object, old, { list, warn }) {
    const written = { object, old, namespace: object.metadata.namespace ?? '' }
    const faults = rules.validate(written, contextOf(rules.toValidate(written, SWITCHES), list), SWITCHES)
    const denial = denialOf(rules.of, object.metadata.name, faults)
    if (denial) throw denied(denial)
    for (const warning of rules.warnings(object)) warn(warning)
  },
})

/** By resource, `group/plural`. */
export const SPIDER_ADMISSION: Readonly<Record<string, Partial<BuiltinAdmission>>> = Object.fromEntries(
  ADMISSIONS.map(rules => [`${rules.of.group}/${rules.of.plural}`, admissionOf(rules)]),
)
