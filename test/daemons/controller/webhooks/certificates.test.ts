// Twelve years of the webhooks' certificates on a simulated clock: the API server never meets one
// that it does not trust.
import { X509Certificate } from 'node:crypto'
import t from 'tap'
import { certificates } from '../../../../daemons/controller/webhooks/certificates.js'
import type { ReconcileContext } from '../../../../daemons/controller/runtime/reconciler.js'
import { settingsOf } from '../../../../daemons/controller/settings.js'
import { Indexer, type KubeObject, type WatchSource, type CacheReader } from '../../../../daemons/runtime/lister.js'
import type { Certified } from '../../../../daemons/controller/webhooks/server.js'
import {
  webhookConfigurations,
  type WebhookConfiguration,
} from '../../../../daemons/controller/webhooks/configurations.js'
import type { Kube } from '../../../../lib/kube/client.js'
import type { Kind } from '../../../../lib/kube/kinds.js'
import { certificatesIn } from '../../../../lib/x509.js'

const DAY_MS = 86_400_000
const START_MS = Date.parse('2026-01-01T00:00:00Z')
const NAME = 'spiderpool-controller.kube-system.svc'
const settings = settingsOf({}, { namespace: 'kube-system', podName: 'x' })
const installation = {
  name: settings.deployment,
  namespace: 'kube-system',
  port: 5722,
  without: [],
  pods: undefined,
  hasMatchConditions: false,
}

interface Cluster {
  nowMs: number
  served: Certified | undefined
  readonly writes: string[]
  readonly stores: ReadonlyMap<string, Indexer<KubeObject, never>>
  readonly cache: CacheReader
  readonly context: ReconcileContext
}

function cluster(sources: readonly WatchSource[]): Cluster {
  const stores = new Map(sources.map(source => [source.kind.plural, new Indexer<KubeObject, never>(source as never)]))
  const writes: string[] = []
  let version = 0
  const put = <T>({ plural }: Kind, object: T, verb: string): Promise<T> => {
    const seen = object as unknown as KubeObject
    writes.push(`${verb} ${plural}`)
    stores.get(plural)?.put({ ...seen, metadata: { ...seen.metadata, resourceVersion: String(++version) } })
    return Promise.resolve(object)
  }
  const kube: Pick<Kube, 'create' | 'replace'> = {
    create: (kind, object) => put(kind, object, 'create'),
    replace: (kind, object) => put(kind, object, 'replace'),
  }
  const silent = (): void => {}
  const made: Cluster = {
    ...{ nowMs: START_MS, served: undefined, writes, stores },
    cache: { of: source => stores.get(source.kind.plural) as never, isServed: () => true, isForbidden: () => false },
    context: {
      kube: kube as Kube,
      log: { debug: silent, info: silent, warn: silent, error: silent },
      clock: () => made.nowMs,
    } as unknown as ReconcileContext,
  }
  return made
}

const holder: { at: Cluster | undefined } = { at: undefined }
const [leaders, everyones] = certificates(settings, {
  use(pair) {
    if (holder.at) holder.at.served = pair
    return Promise.resolve()
  },
  check: () => Promise.resolve(undefined),
})
if (!leaders || !everyones) throw new Error('two reconcilers are expected')
const world = cluster([...leaders.watches, ...everyones.watches].map(({ source }) => source))
holder.at = world
for (const one of webhookConfigurations(installation) as readonly (WebhookConfiguration & { kind: string })[])
  world.stores.get(`${one.kind.toLowerCase()}s`)?.put(one)

const bundles = (): readonly string[] =>
  ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'].flatMap(plural =>
    [...(world.stores.get(plural)?.all() ?? [])].flatMap(one =>
      ((one as WebhookConfiguration).webhooks ?? []).map(({ clientConfig: { caBundle = '' } }) =>
        Buffer.from(caBundle, 'base64').toString(),
      ),
    ),
  )

/**
 * Verifies now, with every webhook's caBundle, as the API server does. Returns a sentence on
 * failure.
 */
function refusal(): string | undefined {
  if (!world.served) return 'nothing is served'
  const leaf = new X509Certificate(world.served.certificate)
  const isNow = ({ validFrom, validTo }: X509Certificate): boolean =>
    Date.parse(validFrom) <= world.nowMs && world.nowMs < Date.parse(validTo)
  if (!isNow(leaf)) return `served from ${leaf.validFrom} to ${leaf.validTo}`
  if (leaf.checkHost(NAME) === undefined) return `not for ${NAME}`
  const isTrusted = (bundle: string): boolean =>
    certificatesIn(bundle).some(pem => {
      const ca = new X509Certificate(pem)
      return isNow(ca) && leaf.checkIssued(ca) && leaf.verify(ca.publicKey)
    })
  return [...new Set(bundles())].every(isTrusted) ? undefined : 'not trusted by every webhook'
}

/**
 * One reconcile of the leader, then of a replica whose watch lags. Returns whether anything was
 * written: then there is another round.
 */
async function look(): Promise<boolean> {
  const before = world.writes.length
  await leaders?.reconcile('', world.cache, world.context)
  await everyones?.reconcile('', world.cache, world.context)
  return world.writes.length !== before
}
const LOOKS_MAX = 10
const STEP_MS = 40 * DAY_MS

t.test(
  'certificates() over twelve years renews in time, serves what is trusted, and writes nothing in between',
  async t => {
    const [served, authorities, wrong] = [new Set<string>(), new Set<string>(), [] as string[]]
    const ask = (when: string): void => {
      const why = refusal()
      if (why !== undefined) wrong.push(`${new Date(world.nowMs).toISOString()} ${when}: ${why}`)
    }
    for (let at = 0; at < LOOKS_MAX && (await look()); at++);
    ask('at first')
    while (world.nowMs < START_MS + 12 * 365 * DAY_MS) {
      world.nowMs += STEP_MS
      ask('before anybody looks')
      let looks = 0
      while (looks < LOOKS_MAX && (await look())) ask(`after look ${++looks}`)
      if (looks === LOOKS_MAX) wrong.push('it does not come to rest')
      served.add(world.served?.certificate ?? '')
      for (const pem of certificatesIn(bundles()[0] ?? '')) authorities.add(pem)
    }
    t.strictSame(wrong, [])
    t.ok(served.size >= 16 && served.size <= 20, `${served.size} certificates, each for eight months of its year`)
    t.equal(authorities.size, 2, 'a CA of ten years, and the next one before it ends')
    t.ok(world.writes.length < 80, `${world.writes.length} writes`)
    t.end()
  },
)

t.test('certificates() repairs an edited caBundle and a deleted Secret', async t => {
  const store = world.stores.get('validatingwebhookconfigurations')
  const [one] = [...(store?.all() ?? [])] as unknown as WebhookConfiguration[]
  if (!one || !store) throw new Error('there is none')
  store.put({ ...one, webhooks: (one.webhooks ?? []).map(hook => ({ ...hook, clientConfig: {} })) } as KubeObject)
  t.equal(refusal(), 'not trusted by every webhook')
  await look()
  t.equal(refusal(), undefined)
  world.stores.get('secrets')?.remove('kube-system/spiderpool-controller-server-certs')
  for (let at = 0; at < 5; at++) await look()
  t.equal(refusal(), undefined)
})
