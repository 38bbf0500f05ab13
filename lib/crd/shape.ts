// Whether an object has the types that its rules read. The schema checks all of it; mutation comes before the schema does. Pure.
import type { SpiderCoordinator } from './coordinator.js'
import type { SpiderMultusConfig } from './multusconfig.js'
import { SUB_OBJECTS } from './multusdefault.js'
import type { PodToCreate } from './podnetworks.js'
import type { SpiderReservedIP, SpiderSubnet } from './types.js'

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isText = (value: unknown): boolean => typeof value === 'string'
const textsOr = (value: unknown): boolean => value === undefined || (Array.isArray(value) && value.every(isText))
const fieldsOr = (value: unknown): boolean => value === undefined || isFields(value)
const routesOr = (value: unknown): boolean =>
  value === undefined || (Array.isArray(value) && value.every(one => isFields(one) && isText(one['dst'])))
const mapOfTextsOr = (value: unknown): boolean =>
  value === undefined || (isFields(value) && Object.values(value).every(isText))

function hasMeta(object: unknown): object is Fields & { readonly metadata: Fields } {
  if (!isFields(object) || !isFields(object['metadata'])) return false
  const { labels, annotations, finalizers } = object['metadata']
  return mapOfTextsOr(labels) && mapOfTextsOr(annotations) && textsOr(finalizers)
}

/** Pools and subnets have the same fields here. */
export function isPool(object: unknown): object is SpiderSubnet {
  if (!hasMeta(object) || !isFields(object['spec'])) return false
  const { subnet, ips, excludeIPs, routes } = object['spec']
  return isText(subnet) && textsOr(ips) && textsOr(excludeIPs) && routesOr(routes)
}

export function isReserved(object: unknown): object is SpiderReservedIP {
  return hasMeta(object) && isFields(object['spec']) && textsOr(object['spec']['ips'])
}

const isSettings = (value: unknown): boolean =>
  value === undefined || (isFields(value) && textsOr(value['hijackCIDR']) && routesOr(value['policyRoutes']))

export function isCoordinator(object: unknown): object is SpiderCoordinator {
  return hasMeta(object) && isSettings(object['spec'])
}

const ITS_OWN: readonly string[] = Object.values(SUB_OBJECTS).filter(key => key !== 'customCNI')

export function isMultusConfig(object: unknown): object is SpiderMultusConfig {
  if (!hasMeta(object) || !fieldsOr(object['spec'])) return false
  const spec = isFields(object['spec']) ? object['spec'] : {}
  const { cniType } = spec
  const isKnown = cniType === undefined || (typeof cniType === 'string' && cniType in SUB_OBJECTS)
  return isKnown && isSettings(spec['coordinator']) && ITS_OWN.every(key => fieldsOr(spec[key]))
}

export function isPod(object: unknown): object is PodToCreate {
  if (!hasMeta(object) || !isFields(object['spec'])) return false
  const { containers } = object['spec']
  return Array.isArray(containers) && containers.length > 0 && containers.every(isFields)
}
