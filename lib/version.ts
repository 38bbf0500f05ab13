// Which build this is. Knows two constants that the build puts in; from sources they say so.
declare const SPIDERPOOL_VERSION: string | undefined
declare const SPIDERPOOL_COMMIT: string | undefined

export const VERSION: string = typeof SPIDERPOOL_VERSION === 'string' ? SPIDERPOOL_VERSION : 'from sources'
export const COMMIT: string = typeof SPIDERPOOL_COMMIT === 'string' ? SPIDERPOOL_COMMIT : 'unknown'
export const VERSION_TEXT = `spiderpool ${VERSION} (${COMMIT})`
