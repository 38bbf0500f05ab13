// Admission of single kinds: a table of pure functions.
import { forbidden, invalid } from '../schema/status-error.js'
import { isFields } from '../schema/stored-object.js'
import { CRDS, storedAt } from '../schema/kind-registry.js'
import { establish, crdFaults } from './crd.js'
import type { KindInfo } from '../schema/kinds.js'
import { SPIDER_ADMISSION } from './spider-admission.js'
import { NO_ADMISSION, type BuiltinAdmission } from './admission-interface.js'

const PERMANENT = new Set(['default', 'kube-system', 'kube-public'])
const NAMESPACE = { group: '', plural: 'namespaces', kind: 'Namespace' }
const CRD = { group: 'apiextensions.k8s.io', plural: 'customresourcedefinitions', kind: 'CustomResourceDefinition' }

const TABLE: Readonly<Record<string, Partial<BuiltinAdmission>>> = {
  '/namespaces': {
    validateDelete({ metadata: { name } }) {
      if (PERMANENT.has(name)) throw forbidden(NAMESPACE, name, 'this namespace may not be deleted')
    },
  },
  [CRDS]: {
    mutate: establish,
    validate(object) {
      const faults = crdFaults(object)
      if (faults.length > 0) throw invalid(CRD, object.metadata.name, faults)
    },
  },
  '/secrets': {
    // stringData is write-only and moved into data (k8s.io/api/core/v1 Secret).
    mutate(object) {
      const { stringData, ...rest } = object
      if (!isFields(stringData)) return object
      const encoded = Object.entries(stringData).map(([key, value]) => [
        key,
        Buffer.from(String(value)).toString('base64'),
      ])
      return {
        ...rest,
        metadata: object.metadata,
        apiVersion: object.apiVersion,
        kind: object.kind,
        data: { ...(isFields(rest['data']) ? rest['data'] : {}), ...Object.fromEntries(encoded) },
      }
    },
  },
}

/** The admission of a kind: built-in rules, and Spiderpool’s unless --no-admission. */
export const admissionFor = (kind: KindInfo): BuiltinAdmission => ({
  ...NO_ADMISSION,
  ...TABLE[storedAt(kind)],
  ...(kind.unadmitted === true ? {} : SPIDER_ADMISSION[storedAt(kind)]),
})
