// Which objects name an owner, by the owner's UID. Knows ownerReferences; knows no storage.
import type { Stored } from './object.js'
import type { Ref } from './store.js'

export const refKey = ({ resource, namespace, name }: Ref): string => `${resource} ${namespace}/${name}`

export class Dependents {
  readonly #byOwner = new Map<string, Map<string, Ref>>()

  of(uid: string): readonly Ref[] {
    return [...(this.#byOwner.get(uid)?.values() ?? [])]
  }

  put(resource: string, { metadata: { namespace = '', name, ownerReferences = [] } }: Stored): void {
    const ref = { resource, namespace, name }
    for (const { uid } of ownerReferences) {
      const refs = this.#byOwner.get(uid) ?? new Map<string, Ref>()
      refs.set(refKey(ref), ref)
      this.#byOwner.set(uid, refs)
    }
  }

  remove(resource: string, { metadata: { namespace = '', name, ownerReferences = [] } }: Stored): void {
    for (const { uid } of ownerReferences) {
      const refs = this.#byOwner.get(uid)
      refs?.delete(refKey({ resource, namespace, name }))
      if (refs?.size === 0) this.#byOwner.delete(uid)
    }
  }
}
