// Whose a link in a pod is: the alias (IFLA_IFALIAS) that an ADD gives it names the container.
// Pure; knows strings.

const PREFIX = 'container '
/** IFALIASZ of <linux/if.h> is 256 bytes, with the NUL. */
const ALIAS_BYTES_MAX = 255

/** The alias of a link that is made for a container. */
export const aliasOf = (containerID: string): string => `${PREFIX}${containerID}`.slice(0, ALIAS_BYTES_MAX)

/**
 * Whose a link is by its alias: this container's, another's, or `undefined` where the alias does
 * not say.
 */
export function ownerByAlias(alias: string | undefined, containerID: string): 'own' | 'other' | undefined {
  if (!alias?.startsWith(PREFIX)) return undefined
  return alias === aliasOf(containerID) ? 'own' : 'other'
}
