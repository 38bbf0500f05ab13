// What a support archive may not have: tokens, keys, certificates, passwords. Pure.

const GONE = '<redacted>'

/** Names of fields and of variables whose value is a secret, or is taken for one. */
const SECRET_NAME =
  /(token|passw|secret|credential|authorization|api-?key|private|bearer|key-?data|ca-?bundle|authority-data|certificate-data|dockerconfig|tls\.(key|crt))/i
/** Names that look so and have no secret: names of Secrets, references, switches. */
const NO_SECRET =
  /^(secretName|secretKeyRef|secretRef|imagePullSecrets|automountServiceAccountToken|expirationSeconds)$/

/** Secrets by their own form, wherever they are. */
const FORMS: readonly RegExp[] = [
  /-----BEGIN [A-Z0-9 ]+-----[\s\S]*?(-----END [A-Z0-9 ]+-----|$)/g,
  // PEM in base64 begins so, as in kubeconfigs and caBundle.
  /LS0tLS1CRUdJTi[A-Za-z0-9+/=_-]*/g,
  // A JSON Web Token, as of a ServiceAccount.
  /eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g,
  // kubeadm's bootstrap tokens.
  /\b[a-z0-9]{6}\.[a-z0-9]{16}\b/g,
  // Userinfo of a URL.
  /(?<=\b[a-z][a-z0-9+.-]*:\/\/)[^/\s@"']+:[^/\s@"']+(?=@)/gi,
  /(?<=\b(Bearer|Basic)\s+)[A-Za-z0-9._~+/=-]{8,}/gi,
]

/** `token: x`, `"password":"x"`, `client-key-data = x`, also with escaped quotes. */
const PAIR =
  /((?:token|passw(?:or)?d|secret|client-key-data|client-certificate-data|certificate-authority-data|api-?key)(?:\\?["'])?\s*[:=]\s*(?:\\?["'])?)([^\s"'\\,;}]+)/gi

/** The text without secrets. */
export function redactedText(text: string): string {
  const formless = FORMS.reduce((rest, form) => rest.replace(form, GONE), text)
  return formless.replace(PAIR, (_, name: string) => `${name}${GONE}`)
}

type Fields = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null

/** The value without secrets, managedFields and the last-applied copy of the whole object. */
export function redacted(value: unknown): unknown {
  if (typeof value === 'string') return redactedText(value)
  if (Array.isArray(value)) return (value as readonly unknown[]).map(redacted)
  if (!isObject(value)) return value
  const isSecretVariable = typeof value['name'] === 'string' && SECRET_NAME.test(value['name']) && 'value' in value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== 'managedFields' && key !== 'kubectl.kubernetes.io/last-applied-configuration')
      .map(([key, item]) => {
        const isSecret = (isSecretVariable && key === 'value') || (SECRET_NAME.test(key) && !NO_SECRET.test(key))
        return [key, isSecret && typeof item === 'string' && item !== '' ? GONE : redacted(item)]
      }),
  )
}
