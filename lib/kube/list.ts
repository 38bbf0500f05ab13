// A page of a Kubernetes list and its options; shared by client.ts and watch.ts.

export interface List<T> {
  readonly metadata: {
    readonly resourceVersion?: string
    /** `continue` of the next page; '' or absent on the last. */
    readonly continue?: string
    readonly remainingItemCount?: number
  }
  readonly items: readonly T[]
}

export interface ListOptions {
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  readonly limit?: number
  readonly continue?: string
  /** '0': any version, from the server's cache. Absent: the newest. */
  readonly resourceVersion?: string
  /** PartialObjectMetadata: items have apiVersion, kind and metadata only. */
  readonly metadataOnly?: boolean
}
