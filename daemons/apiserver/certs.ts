// The server's own CA and certificate, made at first start and kept in its data folder. Knows X.509; knows no HTTP.
import 'reflect-metadata'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'

/** PEM texts. */
export interface Certificates {
  readonly ca: string
  readonly certificate: string
  readonly key: string
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const YEAR_MS = 365 * 86_400_000
const LIFETIME_MS = 10 * YEAR_MS
const CLOCK_SKEW_MS = 3_600_000

const NAMES = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'] as const
const ADDRESSES = ['127.0.0.1', '::1'] as const

const serial = (): string => Buffer.from(crypto.getRandomValues(new Uint8Array(15))).toString('hex')

/** Makes a CA, which signs one server certificate for the loopback names and is then forgotten: its key is never stored. */
export async function makeCertificates(nowMs: number): Promise<Certificates> {
  const validity = { notBefore: new Date(nowMs - CLOCK_SKEW_MS), notAfter: new Date(nowMs + LIFETIME_MS) }
  const caKeys = await crypto.subtle.generateKey(ALGORITHM, false, ['sign', 'verify'])
  const ca = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: 'CN=spiderpool-apiserver-ca',
    ...validity,
    signingAlgorithm: ALGORITHM,
    keys: caKeys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  })
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: 'CN=spiderpool-apiserver',
    issuer: ca.subject,
    ...validity,
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: caKeys.privateKey,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension([
        ...NAMES.map(value => ({ type: 'dns', value }) as const),
        ...ADDRESSES.map(value => ({ type: 'ip', value }) as const),
      ]),
      await AuthorityKeyIdentifierExtension.create(caKeys.publicKey),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  const key = PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
  return { ca: ca.toString('pem'), certificate: certificate.toString('pem'), key }
}

/** Whether a kept certificate still holds for a month. */
export const isFresh = ({ certificate }: Certificates, nowMs: number): boolean =>
  new X509Certificate(certificate).notAfter.getTime() > nowMs + YEAR_MS / 12
