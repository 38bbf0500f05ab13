// A self-signed certificate authority and the server certificates it issues. Stores nothing.
// Loaded lazily: only where a certificate is created or read.
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
export interface Pair {
  readonly certificate: string
  readonly key: string
}

export interface Validity {
  readonly fromMs: number
  readonly toMs: number
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

const serial = (): string => Buffer.from(crypto.getRandomValues(new Uint8Array(15))).toString('hex')
const keyText = async (key: CryptoKey): Promise<string> =>
  PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')
const dates = ({ fromMs, toMs }: Validity): { notBefore: Date; notAfter: Date } => ({
  notBefore: new Date(fromMs),
  notAfter: new Date(toMs),
})

/** A self-signed CA that signs servers, and no other CA. */
export async function makeAuthority(name: string, validity: Validity): Promise<Pair> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: `CN=${name}`,
    ...dates(validity),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certificate: certificate.toString('pem'), key: await keyText(keys.privateKey) }
}

export interface ServerCertificate {
  readonly name: string
  readonly dns: readonly string[]
  readonly ips: readonly string[]
  readonly validity: Validity
}

/** A server certificate signed by the authority. @throws if the authority is not valid PEM */
export async function issue(authority: Pair, { name, dns, ips, validity }: ServerCertificate): Promise<Pair> {
  const ca = new X509Certificate(authority.certificate)
  const caKey = PemConverter.decodeFirst(authority.key)
  const signingKey = await crypto.subtle.importKey('pkcs8', caKey, ALGORITHM, false, ['sign'])
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: `CN=${name}`,
    issuer: ca.subject,
    ...dates(validity),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension([
        ...dns.map(value => ({ type: 'dns', value }) as const),
        ...ips.map(value => ({ type: 'ip', value }) as const),
      ]),
      await AuthorityKeyIdentifierExtension.create(await ca.publicKey.export()),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certificate: certificate.toString('pem'), key: await keyText(keys.privateKey) }
}

/** The validity and the names of a certificate. */
export interface CertificateFacts {
  readonly validity: Validity
  /** subjectAltName: DNS names and IP addresses. */
  readonly names: readonly string[]
}

/** Parses a certificate; undefined if `pem` is none. */
export function factsOf(pem: string): CertificateFacts | undefined {
  const certificate = read(pem)
  if (!certificate) return undefined
  const { notBefore, notAfter } = certificate
  const names = certificate.getExtension(SubjectAlternativeNameExtension)?.names.items.map(({ value }) => value) ?? []
  return { validity: { fromMs: notBefore.getTime(), toMs: notAfter.getTime() }, names }
}

/** Whether the authority signed the certificate. */
export async function isSignedBy(pem: string, authorityPem: string): Promise<boolean> {
  const [certificate, authority] = [read(pem), read(authorityPem)]
  if (!certificate || !authority) return false
  return certificate.verify({ publicKey: authority.publicKey, signatureOnly: true })
}

function read(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined // a Secret may hold any text
  }
}

/** The certificates of a PEM bundle. */
export const certificatesIn = (bundle: string): readonly string[] =>
  bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
