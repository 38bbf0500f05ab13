// Compares a NetworkAttachmentDefinition with the desired one: its owner, and what has to be
// written.
import type { NetworkAttachmentDefinition, SpiderMultusConfig } from '../../../../lib/crd/multusconfig.js'

const KIND = 'SpiderMultusConfig'

/** Whether this very SpiderMultusConfig, by UID, owns it. */
export const isOwnedBy = (
  { metadata }: NetworkAttachmentDefinition,
  { metadata: { uid } }: SpiderMultusConfig,
): boolean => metadata.ownerReferences?.some(owner => owner.kind === KIND && owner.uid === uid) ?? false

/**
 * The name of another SpiderMultusConfig that owns it; one of the same name and another UID is an
 * earlier one of this.
 */
export function otherOwner({ metadata }: NetworkAttachmentDefinition, smc: SpiderMultusConfig): string | undefined {
  return metadata.ownerReferences?.find(({ kind, name }) => kind === KIND && name !== smc.metadata.name)?.name
}

/**
 * The object to write, or undefined where nothing differs. A missing field and an empty one are
 * equal.
 */
export function differenceOf(
  current: NetworkAttachmentDefinition,
  desired: NetworkAttachmentDefinition,
): NetworkAttachmentDefinition | undefined {
  const isSame =
    text(current.metadata.annotations ?? {}) === text(desired.metadata.annotations ?? {}) &&
    text(current.metadata.ownerReferences ?? []) === text(desired.metadata.ownerReferences ?? []) &&
    (current.spec?.config ?? '') === (desired.spec?.config ?? '')
  if (isSame) return undefined
  const { annotations: _, ...metadata } = current.metadata
  const { annotations, ownerReferences = [] } = desired.metadata
  return {
    ...current,
    metadata: { ...metadata, ...(annotations && { annotations }), ownerReferences },
    spec: desired.spec ?? {},
  }
}

/** JSON with sorted keys, for comparison. */
const text = (value: object): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
