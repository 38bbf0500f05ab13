// Which of the webhooks' certificates must be made, from those in the Secret and the clock. Makes
// none.

/** Milliseconds since 1970. */
interface Validity {
  readonly fromMs: number
  readonly toMs: number
}

/** The readable content of the Secret. */
export interface CertState {
  /**
   * Validity of the signing CA, the first of the bundle; undefined where it or its key is missing.
   */
  readonly authority: Validity | undefined
  /** Whether every existing webhook configuration trusts that CA. */
  readonly isTrusted: boolean
  readonly server: (Validity & { readonly names: readonly string[]; readonly isOfAuthority: boolean }) | undefined
}

export interface CertPlan {
  /** Make a new CA, put before those in the bundle: both are trusted until the old one expires. */
  readonly authority: boolean
  readonly server: boolean
  /** When to reconcile again although nothing changes. */
  readonly requeueAtMs: number
}

const DAY_MS = 86_400_000
export const AUTHORITY_MS = 3650 * DAY_MS
export const SERVER_MS = 365 * DAY_MS
/** Certificates start this much earlier, for clocks that are behind. */
export const SKEW_MS = 3_600_000

/**
 * Renewed with a third of the lifetime left: a renewal that fails does so long before the expiry.
 */
const renewAtMs = ({ fromMs, toMs }: Validity): number => toMs - (toMs - fromMs) / 3
const isWithin = ({ fromMs, toMs }: Validity, nowMs: number): boolean => nowMs >= fromMs && nowMs < toMs

/**
 * The plan. A certificate of a new CA is served only once the CA is trusted: the CA is written,
 * then the configurations get it, then the certificate is signed. Without a usable certificate
 * there is nothing to wait for.
 */
export function certificatePlan(
  { authority, isTrusted, server }: CertState,
  names: readonly string[],
  nowMs: number,
): CertPlan {
  const needsAuthority = !authority || !isWithin(authority, nowMs) || nowMs >= renewAtMs(authority)
  const isUsable = server !== undefined && isWithin(server, nowMs) && names.every(name => server.names.includes(name))
  const isNew = isUsable && !needsAuthority && server.isOfAuthority && nowMs < renewAtMs(server)
  const mayWait = isUsable && (needsAuthority || !isTrusted)
  const again = [authority, server].filter(one => one !== undefined).map(renewAtMs)
  return {
    authority: needsAuthority,
    server: !isNew && !mayWait,
    requeueAtMs: Math.min(...again.filter(atMs => atMs > nowMs), nowMs + DAY_MS),
  }
}

/** The Service's names, which the API server connects to, and loopback for the self-check. */
export const serverNames = (
  service: string,
  namespace: string,
): { readonly dns: readonly string[]; readonly ips: readonly string[] } => ({
  dns: [
    `${service}.${namespace}.svc`,
    `${service}.${namespace}.svc.cluster.local`,
    `${service}.${namespace}`,
    service,
    'localhost',
  ],
  ips: ['127.0.0.1', '::1'],
})
