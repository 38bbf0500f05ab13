// A cluster as a client needs it. Knows the form of kubeconfig files.

export interface Tls {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly serverName?: string
  readonly rejectUnauthorized?: boolean
}

export interface ClusterConfig {
  /** Scheme, host and port, perhaps a path; no slash at the end. */
  readonly server: string
  /** The socket's path, where the server is unix://. */
  readonly unix?: string
  readonly tls?: Tls
  /** The header's value, asked anew for each request: tokens expire. */
  readonly authorization?: () => string | undefined
  readonly namespace?: string
}
