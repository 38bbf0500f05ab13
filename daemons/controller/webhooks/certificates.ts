// The webhooks' certificates: made and renewed by the leader, stored in a Secret, served by every
// replica, trusted through the caBundle.
import { isAlreadyExists, isForbidden, KubeError } from '../../../lib/kube/errors.js'
import { MUTATING_WEBHOOKS, SECRETS, VALIDATING_WEBHOOKS } from '../../../lib/kube/kinds.js'
import type { Kind } from '../../../lib/kube/kinds.js'
import type { ObjectMeta } from '../../../lib/crd/types.js'
import { certificatesIn, factsOf, issue, isSignedBy, makeAuthority, type Pair } from '../../../lib/x509.js'
import type { ReconcileResult } from '../runtime/workqueue.js'
import { watchOf, type ReconcileContext, type Reconciler, type Watch } from '../runtime/reconciler.js'
import type { ControllerSettings } from '../settings.js'
import { source, type WatchSource, type CacheReader } from '../../runtime/lister.js'
import type { Serving } from './server.js'
import { AUTHORITY_MS, certificatePlan, SERVER_MS, serverNames, SKEW_MS, type CertState } from './cert-plan.js'
import { trusting, trusts, type WebhookConfiguration } from './configurations.js'

interface Secret {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: ObjectMeta
  readonly type?: string
  /** Base64. `ca.crt` is a bundle whose first CA signs; `ca.key` is its key. */
  readonly data?: Readonly<Record<string, string>>
}

/** Key of the only item in the work queues of these reconcilers. */
const SECRET = 'secret'
const KEYS = { bundle: 'ca.crt', bundleKey: 'ca.key', certificate: 'tls.crt', key: 'tls.key' } as const
const CA_NAME = 'spiderpool-webhook-ca'

const decoded = ({ data = {} }: Secret, key: string): string => Buffer.from(data[key] ?? '', 'base64').toString('utf8')
const encoded = (text: string): string => Buffer.from(text).toString('base64')

const named = <T extends { readonly metadata: ObjectMeta }>(
  kind: Kind,
  name: string,
  more: object = {},
): WatchSource<T, never> => source<T>({ kind, fieldSelector: `metadata.name=${name}`, ...more })

/** The mutating and the validating configuration, by the name of our Deployment. */
function configurationsOf({ deployment }: ControllerSettings): {
  readonly watches: readonly Watch[]
  readonly existing: (cache: CacheReader) => readonly { readonly kind: Kind; readonly one: WebhookConfiguration }[]
} {
  const sources = [MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS].map(kind => ({
    kind,
    of: named<WebhookConfiguration>(kind, deployment, { optional: true }),
  }))
  return {
    watches: sources.map(({ of }) => watchOf(of, () => [SECRET])),
    existing: cache => sources.flatMap(({ kind, of }) => [...cache.of(of).all()].map(one => ({ kind, one }))),
  }
}

/** The kubelet replaces mounted files without an event, so they are polled. */
const POLL_MS = 5_000
/** cert-manager writes the caBundle of such a configuration; the controller does not. */
const INJECTED = /^cert-manager\.io\/inject-/

/**
 * The reconciler where certificates are provided: writes their CA into the configurations.
 * `authority`: the CA as PEM, undefined where there is none.
 */
export function provided(settings: ControllerSettings, authority: () => string | undefined): Reconciler {
  const configurations = configurationsOf(settings)
  return {
    name: 'certificate',
    needsLeadership: true,
    maxConcurrent: 1,
    fixedKeys: [SECRET],
    watches: configurations.watches,
    async reconcile(_, cache, context): Promise<ReconcileResult> {
      const pem = authority()
      for (const { kind, one } of pem === undefined ? [] : configurations.existing(cache))
        if (!Object.keys(one.metadata.annotations ?? {}).some(name => INJECTED.test(name)))
          await trust(kind, one, encoded(pem ?? ''), context)
      return { requeueAfterMs: POLL_MS }
    },
  }
}

/**
 * The reconcilers where the controller makes certificates; `serving` gets each that the Secret
 * holds.
 */
export function certificates(settings: ControllerSettings, serving: Serving): readonly Reconciler[] {
  const { namespace, secret: secretName } = settings
  const secrets = named<Secret>(SECRETS, secretName, { namespace })
  const configurations = configurationsOf(settings)
  const secretIn = (cache: CacheReader): Secret | undefined => cache.of(secrets).get(`${namespace}/${secretName}`)
  return [
    {
      name: 'certificate',
      needsLeadership: true,
      maxConcurrent: 1,
      fixedKeys: [SECRET],
      watches: [watchOf(secrets, () => [SECRET]), ...configurations.watches],
      async reconcile(_, cache, context): Promise<ReconcileResult> {
        const secret = secretIn(cache)
        const existing = configurations.existing(cache)
        const bundle = secret?.data?.[KEYS.bundle] ?? ''
        if (bundle !== '') for (const { kind, one } of existing) await trust(kind, one, bundle, context)
        const isTrusted = existing.every(({ one }) => trusts(one, bundle))
        return renew(secret, { settings, context, isTrusted })
      },
    },
    {
      name: 'webhook-port',
      needsLeadership: false,
      maxConcurrent: 1,
      watches: [watchOf(secrets, () => [SECRET])],
      async reconcile(_, cache): Promise<ReconcileResult> {
        const secret = secretIn(cache)
        const [certificate, key] = secret ? [decoded(secret, KEYS.certificate), decoded(secret, KEYS.key)] : ['', '']
        if (secret && certificate !== '' && key !== '')
          await serving.use({ certificate, key, ca: decoded(secret, KEYS.bundle) })
        return undefined
      },
    },
  ]
}

async function trust(
  kind: Kind,
  one: WebhookConfiguration,
  bundle: string,
  { kube, log }: ReconcileContext,
): Promise<void> {
  if (trusts(one, bundle)) return
  await kube.replace(kind, trusting(one, bundle))
  log.info(`${kind.kind} ${one.metadata.name} trusts the webhooks' CA`)
}

interface Renewing {
  readonly settings: ControllerSettings
  readonly context: ReconcileContext
  readonly isTrusted: boolean
}

async function renew(secret: Secret | undefined, { settings, context, isTrusted }: Renewing): Promise<ReconcileResult> {
  const nowMs = context.clock()
  const names = serverNames(settings.deployment, settings.namespace)
  const plan = certificatePlan(await heldIn(secret, isTrusted), names.dns, nowMs)
  if (!plan.authority && !plan.server) return { requeueAfterMs: plan.requeueAtMs - nowMs }
  const validFor = (lifeMs: number) => ({ fromMs: nowMs - SKEW_MS, toMs: nowMs + lifeMs })
  const before = secret ? decoded(secret, KEYS.bundle) : ''
  const authority: Pair = plan.authority
    ? await makeAuthority(CA_NAME, validFor(AUTHORITY_MS))
    : { certificate: certificatesIn(before)[0] ?? '', key: secret ? decoded(secret, KEYS.bundleKey) : '' }
  const valid = certificatesIn(before).filter(pem => (factsOf(pem)?.validity.toMs ?? 0) > nowMs)
  const bundle = plan.authority ? [authority.certificate, ...valid].map(pem => `${pem.trim()}\n`).join('') : before
  const pair = plan.server
    ? await issue(authority, { name: settings.deployment, ...names, validity: validFor(SERVER_MS) })
    : undefined
  try {
    await write(secret, { bundle, authority, pair }, { settings, context })
  } catch (error) {
    if (isAlreadyExists(error)) return undefined // the watch event is under way
    throw error
  }
  const what = [plan.authority && 'a new CA', pair && 'a new certificate'].filter(
    one => one !== false && one !== undefined,
  )
  context.log.info(`Secret ${settings.secret} has ${what.join(' and ')} for the webhooks`)
  return undefined
}

async function heldIn(secret: Secret | undefined, isTrusted: boolean): Promise<CertState> {
  if (!secret) return { authority: undefined, server: undefined, isTrusted }
  const [newest = ''] = certificatesIn(decoded(secret, KEYS.bundle))
  const [pem, key] = [decoded(secret, KEYS.certificate), decoded(secret, KEYS.key)]
  const [own, server] = [factsOf(newest), factsOf(pem)]
  const isOfAuthority = server !== undefined && (await isSignedBy(pem, newest))
  return {
    authority: decoded(secret, KEYS.bundleKey) === '' ? undefined : own?.validity,
    server: server && key !== '' ? { ...server.validity, names: server.names, isOfAuthority } : undefined,
    isTrusted,
  }
}

interface Contents {
  readonly bundle: string
  readonly authority: Pair
  readonly pair: Pair | undefined
}

async function write(
  secret: Secret | undefined,
  { bundle, authority, pair }: Contents,
  { settings, context }: Pick<Renewing, 'settings' | 'context'>,
): Promise<void> {
  const data = {
    ...secret?.data,
    [KEYS.bundle]: encoded(bundle),
    [KEYS.bundleKey]: encoded(authority.key),
    ...(pair && { [KEYS.certificate]: encoded(pair.certificate), [KEYS.key]: encoded(pair.key) }),
  }
  if (secret) return void (await context.kube.replace(SECRETS, { ...secret, data }))
  const metadata = { name: settings.secret, namespace: settings.namespace }
  try {
    await context.kube.create(SECRETS, { metadata, type: 'kubernetes.io/tls', data })
  } catch (error) {
    if (!(error instanceof KubeError) || !isForbidden(error)) throw error
    const remedy = `create it empty: the chart and deploy/spiderpool.yaml have it`
    throw new KubeError(
      error.status,
      error.reason,
      `Secret ${settings.namespace}/${settings.secret} is missing; ${remedy}`,
    )
  }
}
