// Which build this is. Knows two constants that the build puts in; from sources they say so.
declare const SPIDERPOOL_VERSION: string | undefined
declare const SPIDERPOOL_COMMIT: string | undefined

export const VERSION: string = typeof SPIDERPOOL_VERSION === 'string' ? SPIDERPOOL_VERSION : 'from sources'
export const COMMIT: string = typeof SPIDERPOOL_COMMIT === 'string' ? SPIDERPOOL_COMMIT : 'unknown'
/**
 * What `--version` says of an executable: its name, the version, and the commit that it was built
 * from.
 */
export const versionOf = (name: string): string => `${name} ${VERSION} (${COMMIT})`
export const VERSION_TEXT: string = versionOf('spiderpool')
