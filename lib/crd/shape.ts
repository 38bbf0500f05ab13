// Whether an object has the types that mutation reads; the schema, which checks every field, comes later. Pure.
import { guard, hasFields, isObject, listOf, type Check } from './guard.js'
import type { PodToCreate } from './podnetworks.js'

export { isCoordinator, isMultusConfig, isPool, isReserved } from '../../schemas/crds/generated/guards.js'

const hasItems: Check = value => Array.isArray(value) && value.length > 0
const isListOfObjects = listOf(isObject)

/** Whether it is a pod with at least one container. */
export const isPod = guard<PodToCreate>({
  spec: hasFields({ containers: value => hasItems(value) && isListOfObjects(value) }),
})
