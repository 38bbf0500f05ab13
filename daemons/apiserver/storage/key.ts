// Where an object is stored, and the ranges that can be listed.

export interface StoredKey {
  /** `group/plural`. */
  readonly resource: string
  /** '' where cluster-scoped. */
  readonly namespace: string
  readonly name: string
}

export interface Range {
  readonly resource: string
  /** Absent: all namespaces. */
  readonly namespace?: string | undefined
  /** Objects behind this one, in order of namespace and name (bytes). */
  readonly after?: { readonly namespace: string; readonly name: string } | undefined
  readonly limit?: number | undefined
  /** Only those with this label, as `labelText` writes it. */
  readonly label?: string | undefined
}
