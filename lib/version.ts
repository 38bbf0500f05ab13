// The version and commit that the build defines; run from sources, a placeholder.
declare const SPIDERPOOL_VERSION: string | undefined
declare const SPIDERPOOL_COMMIT: string | undefined

export const VERSION: string = typeof SPIDERPOOL_VERSION === 'string' ? SPIDERPOOL_VERSION : 'from sources'
export const COMMIT: string = typeof SPIDERPOOL_COMMIT === 'string' ? SPIDERPOOL_COMMIT : 'unknown'
/** The output of `--version`: name, version, commit. */
export const versionOf = (name: string): string => `${name} ${VERSION} (${COMMIT})`
export const VERSION_TEXT: string = versionOf('spiderpool')
