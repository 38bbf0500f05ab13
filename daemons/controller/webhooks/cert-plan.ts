// Which certificates the webhooks shall have: what is kept in a Secret, by itself and by the clock, decides. Pure; makes none.

/** An instant each, milliseconds since 1970. */
interface Validity {
  readonly fromMs: number
  readonly toMs: number
}

/** What the Secret holds, as far as it can be read. */
export interface CertState {
  /** Of the CA that signs, the first of the bundle; `undefined` where it, or its key, is not there. */
  readonly authority: Validity | undefined
  /** Whether each webhook configuration that there is trusts that CA. */
  readonly isTrusted: boolean
  readonly server: (Validity & { readonly names: readonly string[]; readonly isOfAuthority: boolean }) | undefined
}

export interface CertPlan {
  /** A new CA, put before those that are there: both are trusted until the old one ends. */
  readonly authority: boolean
  readonly server: boolean
  /** When to look again, though nothing changes. */
  readonly requeueAtMs: number
}

const DAY_MS = 86_400_000
export const AUTHORITY_MS = 3650 * DAY_MS
export const SERVER_MS = 365 * DAY_MS
/** Clocks differ. */
export const SKEW_MS = 3_600_000

/** With a third of its life left: one that fails to be renewed fails long before anybody is hurt. */
const renewAtMs = ({ fromMs, toMs }: Validity): number => toMs - (toMs - fromMs) / 3
const isWithin = ({ fromMs, toMs }: Validity, nowMs: number): boolean => nowMs >= fromMs && nowMs < toMs

/**
 * A certificate of a new CA is served only once the CA is trusted: first the CA is written, then the configurations get it, then the
 * certificate is signed. Where there is no certificate to serve meanwhile, there is nothing to wait for.
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

/** What the API server calls: the Service's names, and the loopback ones for the check of ourselves. */
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
