// URL path to resource, namespace, name and subresource (RequestInfo of k8s.io/apiserver). Pure.

export interface RequestPath {
  readonly group: string
  readonly version: string
  readonly plural: string
  /** Absent: cluster scope or all namespaces. */
  readonly namespace: string | undefined
  /** Absent: the collection. */
  readonly name: string | undefined
  readonly subresource: string | undefined
}

const SUBRESOURCES_OF_NAMESPACE = new Set(['status', 'finalize'])

function decodedParts(path: string): readonly string[] | undefined {
  try {
    return path
      .split('/')
      .filter(part => part !== '')
      .map(decodeURIComponent)
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}

/** The parsed path; undefined if it does not name an API resource. */
export function parseRequestPath(path: string): RequestPath | undefined {
  const parts = decodedParts(path)
  if (parts === undefined) return undefined
  const [root, ...rest] = parts
  if (root === 'api') return within({ group: '', version: rest[0] ?? '' }, rest.slice(1))
  if (root === 'apis') return within({ group: rest[0] ?? '', version: rest[1] ?? '' }, rest.slice(2))
  return undefined
}

function within(
  api: { readonly group: string; readonly version: string },
  parts: readonly string[],
): RequestPath | undefined {
  const [first, second, third] = parts
  const ofNamespace =
    parts.length > 2 && first === 'namespaces' && !(parts.length === 3 && SUBRESOURCES_OF_NAMESPACE.has(third ?? ''))
  const [plural, name, subresource, ...more] = ofNamespace ? parts.slice(2) : parts
  if (plural === undefined || more.length > 0) return undefined
  return { ...api, plural, namespace: ofNamespace ? second : undefined, name, subresource }
}
