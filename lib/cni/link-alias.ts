// The alias (IFLA_IFALIAS) by which a link in a pod records its container ID. Pure.

const PREFIX = 'container '
/** IFALIASZ of <linux/if.h> is 256 bytes, with the NUL. */
const ALIAS_BYTES_MAX = 255

/** The alias of a link that is created for a container. */
export const aliasOf = (containerID: string): string => `${PREFIX}${containerID}`.slice(0, ALIAS_BYTES_MAX)

/**
 * The owner of a link by its alias: this container, another one, or undefined if the alias names
 * none.
 */
export function ownerByAlias(alias: string | undefined, containerID: string): 'own' | 'other' | undefined {
  if (!alias?.startsWith(PREFIX)) return undefined
  return alias === aliasOf(containerID) ? 'own' : 'other'
}
