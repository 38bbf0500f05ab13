// A NetworkAttachmentDefinition that is there against the one that shall be: whose it is, and what has to be written. Pure.
import type { NetworkAttachmentDefinition, SpiderMultusConfig } from '../../../../lib/crd/multusconfig.js'

const KIND = 'SpiderMultusConfig'

export const isOwnedBy = (
  { metadata }: NetworkAttachmentDefinition,
  { metadata: { uid } }: SpiderMultusConfig,
): boolean => metadata.ownerReferences?.some(owner => owner.kind === KIND && owner.uid === uid) ?? false

/** Name of another SpiderMultusConfig that has it; one of the same name is an earlier one of this. */
export function otherOwner({ metadata }: NetworkAttachmentDefinition, smc: SpiderMultusConfig): string | undefined {
  return metadata.ownerReferences?.find(({ kind, name }) => kind === KIND && name !== smc.metadata.name)?.name
}

/** The object to write, or `undefined` where nothing differs. What nobody wrote and what is empty are the same. */
export function differenceOf(
  is: NetworkAttachmentDefinition,
  shall: NetworkAttachmentDefinition,
): NetworkAttachmentDefinition | undefined {
  const isSame =
    text(is.metadata.annotations ?? {}) === text(shall.metadata.annotations ?? {}) &&
    text(is.metadata.ownerReferences ?? []) === text(shall.metadata.ownerReferences ?? []) &&
    (is.spec?.config ?? '') === (shall.spec?.config ?? '')
  if (isSame) return undefined
  const { annotations: _, ...metadata } = is.metadata
  const { annotations, ownerReferences = [] } = shall.metadata
  return {
    ...is,
    metadata: { ...metadata, ...(annotations && { annotations }), ownerReferences },
    spec: shall.spec ?? {},
  }
}

/** The order of keys says nothing. */
const text = (value: object): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
