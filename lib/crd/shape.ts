// Type guards for the fields that mutation reads; the schema, checked later, covers every field.
import { guard, hasFields, isObject, listOf, type TypeCheck } from './guard.js'
import type { PodToCreate } from './podnetworks.js'

export { isCoordinator, isMultusConfig, isPool, isReserved } from '../../schemas/crds/generated/guards.js'

const hasItems: TypeCheck = value => Array.isArray(value) && value.length > 0
const isListOfObjects = listOf(isObject)

/** Whether it is a pod with at least one container. */
export const isPod = guard<PodToCreate>({
  spec: hasFields({ containers: value => hasItems(value) && isListOfObjects(value) }),
})
