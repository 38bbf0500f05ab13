// The server's CA and certificate, created at the first start.
import { factsOf, issue, makeAuthority } from '../../lib/x509.js'

/** PEM texts. */
export interface Certificates {
  readonly ca: string
  readonly certificate: string
  readonly key: string
}

const YEAR_MS = 365 * 86_400_000
const LIFETIME_MS = 10 * YEAR_MS
const CLOCK_SKEW_MS = 3_600_000

const NAMES = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'] as const
const ADDRESSES = ['127.0.0.1', '::1'] as const

/** Creates a CA and one server certificate for the loopback names. The CA key is never stored. */
export async function makeCertificates(nowMs: number): Promise<Certificates> {
  const validity = { fromMs: nowMs - CLOCK_SKEW_MS, toMs: nowMs + LIFETIME_MS }
  const ca = await makeAuthority('spiderpool-apiserver-ca', validity)
  const pair = await issue(ca, { name: 'spiderpool-apiserver', dns: NAMES, ips: ADDRESSES, validity })
  return { ca: ca.certificate, ...pair }
}

/** Whether a stored certificate is valid for another month. */
export const isFresh = ({ certificate }: Certificates, nowMs: number): boolean =>
  (factsOf(certificate)?.validity.toMs ?? 0) > nowMs + YEAR_MS / 12
