// Requested addresses with random pools and holders: exactly these, or the right refusal.
import t from 'tap'
import { IPAM_LABEL_POD_UID, IPAM_LABEL_POOL_UID, LABEL_CONFLICT } from '../../../../lib/crd/names.js'
import type { SpiderIPAddress, SpiderIPPool, SpiderReservedIP } from '../../../../lib/crd/types.js'
import { ip as ipOf, objectNameOf } from '../../../../lib/ip/address.js'
import { add } from '../../../../lib/ipam/pod/add.js'
import { Refused } from '../../../../lib/ipam/errors.js'
import { requestedIpsIn, type RequestSources } from '../../../../lib/ipam/pod/requested-ips.js'
import { randomFrom, Schedule, World } from '../world.js'

const none: RequestSources = { runtimeConfigIps: undefined, argsIps: undefined, ip: '' }

const READ: readonly (readonly [of: string, sources: Partial<RequestSources>, ips: readonly string[]])[] = [
  ['nothing', {}, []],
  ['the capability', { runtimeConfigIps: ['10.0.0.5/24', 'fd00::5'] }, ['10.0.0.5/24', 'fd00::5']],
  ['args.cni', { argsIps: ['10.0.0.5'] }, ['10.0.0.5']],
  ['CNI_ARGS', { ip: '10.0.0.5' }, ['10.0.0.5']],
  ['CNI_ARGS with both families', { ip: '10.0.0.5, FD00::0:5' }, ['10.0.0.5', 'fd00::5']],
  ['one address from two sources', { runtimeConfigIps: ['10.0.0.5'], ip: '10.0.0.5/24' }, ['10.0.0.5/24']],
  ['null', { runtimeConfigIps: null, argsIps: null }, []],
]
for (const [of, sources, ips] of READ)
  t.test(`requestedIpsIn() of ${of}`, t => {
    const read = requestedIpsIn({ ...none, ...sources })
    t.strictSame(
      read.map(({ ip, length }) => (length === undefined ? ip : `${ip}/${length}`)),
      ips,
    )
    t.end()
  })

const WRONG: readonly (readonly [sources: Partial<RequestSources>, says: RegExp])[] = [
  [{ runtimeConfigIps: '10.0.0.5' }, /wrong input: runtimeConfig\.ips is "10\.0\.0\.5"; write a list/],
  [{ runtimeConfigIps: ['10.0.0.5', 7] }, /runtimeConfig\.ips is \["10\.0\.0\.5",7\]/],
  [{ argsIps: ['ten'] }, /args\.cni\.ips\[0\] is "ten"; write an IPv4 or IPv6 address/],
  [{ ip: '10.0.0.5/33' }, /IP=10\.0\.0\.5\/33 of CNI_ARGS is "10\.0\.0\.5\/33"/],
  [
    { runtimeConfigIps: ['10.0.0.5'], ip: '10.0.0.6' },
    /asks for 10\.0\.0\.6 and runtimeConfig\.ips\[0\] for 10\.0\.0\.5: an interface has one IPv4 address/,
  ],
  [{ runtimeConfigIps: ['10.0.0.5/24'], ip: '10.0.0.5/16' }, /give one prefix length/],
]
for (const [sources, says] of WRONG)
  t.test(`requestedIpsIn() refuses ${JSON.stringify(sources)}`, t => {
    t.throws(() => requestedIpsIn({ ...none, ...sources }), { refusal: 'wrongInput', message: says })
    t.end()
  })

type Fate =
  | 'free'
  | 'own'
  | 'excluded'
  | 'reserved'
  | 'other pod'
  | 'quarantined'
  | 'Go record'
  | 'other pool'
  | 'no pool'
  | 'unusable'
const SAYS: Readonly<Record<Exclude<Fate, 'free' | 'own'>, readonly [refusal: string, says: RegExp]>> = {
  excluded: ['wrongInput', /which is in spec\.excludeIPs of SpiderIPPool/],
  reserved: ['wrongInput', /which is reserved by SpiderReservedIP r/],
  'other pod': ['exhausted', /which is taken by pod default\/holder/],
  quarantined: ['exhausted', /which is quarantined: another host/],
  'Go record': ['exhausted', /which is taken by pod default\/gopher \(status\.allocatedIPs/],
  'other pool': ['wrongInput', /which is in no IPv[46] pool that the pod may use/],
  'no pool': ['wrongInput', /which is in no IPv[46] pool that the pod may use/],
  unusable: ['wrongInput', /which is the (network|subnet-router anycast) address of .* and is given to no pod of/],
}
const FATES: readonly Fate[] = [
  ...(['free', 'free', 'free', 'own'] as const),
  ...(Object.keys(SAYS) as Fate[]).filter(fate => fate !== 'unusable'),
]
const UID = 'me'

interface Address {
  readonly text: string
  readonly family: 4 | 6
  readonly fate: Fate
}

/** Two pools a family of nine addresses each, including the network's own. */
function drawn(random: () => number): { readonly pools: SpiderIPPool[]; readonly all: readonly Address[] } {
  const all: Address[] = []
  const pools = [0, 1, 2, 3].map(at => {
    const family: 4 | 6 = at < 2 ? 4 : 6
    const mine = Array.from({ length: 9 }, (_, host): Address => {
      const text = family === 4 ? `10.${at}.0.${host}` : `fd00:${at}::${host === 0 ? '' : host}`
      if (host === 0) return { text, family, fate: 'unusable' }
      const fate = FATES[Math.floor(random() * FATES.length)] ?? 'free'
      return { text, family, fate: fate === 'other pool' ? 'free' : fate }
    })
    all.push(...mine)
    const of = (fate: Fate) => mine.filter(one => one.fate === fate).map(({ text }) => text)
    const go = Object.fromEntries(of('Go record').map(text => [text, { pod: 'default/gopher', podUid: 'go' }]))
    return {
      metadata: { name: `p${at}`, uid: `u${at}`, resourceVersion: `v${at}` },
      spec: {
        ipVersion: family,
        subnet: family === 4 ? `10.${at}.0.0/24` : `fd00:${at}::/64`,
        ips: mine.filter(({ fate }) => fate !== 'no pool').map(({ text }) => text),
        excludeIPs: of('excluded'),
      },
      status: { allocatedIPs: JSON.stringify(go) },
    }
  })
  return { pools, all }
}

function objectOf({ text, family, fate }: Address): SpiderIPAddress | undefined {
  if (fate !== 'other pod' && fate !== 'quarantined' && fate !== 'own') return undefined
  const [uid, name] = fate === 'own' ? [UID, 'pod'] : fate === 'quarantined' ? ['', ''] : ['other', 'holder']
  const labels = { [IPAM_LABEL_POD_UID]: uid, [IPAM_LABEL_POOL_UID]: '', ...(uid === '' && { [LABEL_CONFLICT]: 'aa' }) }
  return {
    apiVersion: 'v',
    kind: 'SpiderIPAddress',
    metadata: { name: objectNameOf(ipOf(text)), labels },
    spec: {
      ...{
        address: `${text}/${family === 4 ? 24 : 64}`,
        ipVersion: family,
        pool: '',
        nic: 'eth0',
        node: '',
        containerID: '',
      },
      pod: { namespace: 'default', name, uid },
      owner: { apiVersion: 'v1', kind: 'Pod', name },
    },
  }
}

interface Outcome {
  readonly addresses?: readonly string[]
  readonly refused?: Refused
  readonly held: readonly string[]
  readonly records: number
}

async function addOf(
  seed: number,
  { pools, all }: ReturnType<typeof drawn>,
  sources: RequestSources,
  names: readonly string[],
): Promise<Outcome> {
  const schedule = new Schedule(seed)
  const world = new World(schedule, pools)
  const ref = { namespace: 'default', name: 'pod' }
  world.pods.create({ metadata: { ...ref, uid: UID }, spec: { nodeName: 'n' } })
  for (const one of all) {
    const object = objectOf(one)
    if (object) world.addresses.create(object)
  }
  const ips = all.filter(({ fate }) => fate === 'reserved').map(({ text }) => text)
  const reserved: SpiderReservedIP[] = ips.map(text => ({ metadata: { name: `r-${text}` }, spec: { ips: [text] } }))
  const process = { killed: false, onKill: () => undefined }
  const of = (family: 4 | 6) => names.filter(name => Number(name.slice(1)) < 2 === (family === 4))
  let isDone = false
  const ask = {
    ...{
      pod: ref,
      podUid: UID,
      nic: 'eth0',
      containerID: 'c',
      cleanGateway: false,
      agentNamespace: 'x',
      clusterNetwork: '',
    },
    conf: { ipv4: of(4), ipv6: of(6) },
    families: [4, 6] as const,
    features: { statefulSet: true, kubevirt: true, subnets: true },
  }
  const adding = (async () => {
    const requested = requestedIpsIn(sources)
    const store = { ...world.port(process), reservedIPs: () => Promise.resolve(reserved) }
    return add({ ...ask, requested }, { store, journal: world.journal('c'), random: schedule.random })
  })()
    .then(({ nic }) => ({ addresses: [nic.ipv4, nic.ipv6].filter(text => text !== undefined) }))
    .catch((error: unknown) => {
      if (error instanceof Refused) return { refused: error }
      throw error
    })
    .finally(() => (isDone = true))
  await schedule.run(0, () => isDone)
  const held = [...world.addresses.objects.values()].filter(({ spec }) => spec.pod.uid === UID)
  return {
    ...(await adding),
    held: held.map(({ spec }) => spec.address),
    records: world.endpoints.objects.size,
  }
}

const RUNS = Number(process.env['RUNS'] ?? 1_500)

t.test(
  `ADD of requested addresses in ${RUNS} random clusters: exactly these, or nothing and the right reason`,
  async t => {
    const counts = new Map<string, number>()
    for (let seed = 1; seed <= RUNS; seed++) {
      const random = randomFrom(seed)
      const cluster = drawn(random)
      // The pod may use one or two pools of each family.
      const names = cluster.pools.map(({ metadata }) => metadata.name).filter((_, at) => at % 2 === 0 || random() < 0.5)
      const picked = ([4, 6] as const).flatMap(family => {
        const own = cluster.all.filter(one => one.family === family)
        const one = random() < 0.7 ? own[Math.floor(random() * own.length)] : undefined
        return one ? [one] : []
      })
      const fates = picked.map(({ text, family, fate }): Fate => {
        const pool = family === 4 ? text.split('.')[1] : text.split(':')[1]
        return names.includes(`p${pool}`) ? fate : fate === 'no pool' ? fate : 'other pool'
      })
      const texts = picked.map(({ text, family }) => (random() < 0.5 ? text : `${text}/${family === 4 ? 24 : 64}`))
      const sources =
        random() < 0.5
          ? { ...none, runtimeConfigIps: texts }
          : { ...none, argsIps: texts.slice(0, 1), ip: texts.join(',') }
      const before = cluster.all.filter(({ fate }) => fate === 'own').map(one => objectOf(one)?.spec.address ?? '')
      const outcome = await addOf(seed, cluster, sources, names)
      const bad = fates.filter((fate): fate is keyof typeof SAYS => fate !== 'free' && fate !== 'own')
      const about = `seed ${seed}: ${picked.map(({ text }, at) => `${text} ${fates[at]}`).join(', ')}: ${JSON.stringify(outcome)} ${outcome.refused?.message ?? ''}`
      for (const fate of fates) counts.set(fate, (counts.get(fate) ?? 0) + 1)
      const isRight =
        bad.length === 0
          ? picked.every(({ text, family }) => outcome.addresses?.includes(`${text}/${family === 4 ? 24 : 64}`)) ||
            (outcome.refused?.refusal === 'exhausted' && picked.length < 2 && /used out/.test(outcome.refused.message))
          : bad.some(
              fate => outcome.refused?.refusal === SAYS[fate][0] && SAYS[fate][1].test(outcome.refused.message),
            ) &&
            outcome.records === 0 &&
            outcome.held.every(address => before.includes(address))
      if (bad.length === 0 && picked.length > 0 && outcome.addresses)
        counts.set('given', (counts.get('given') ?? 0) + 1)
      if (!isRight) return void t.fail(about)
    }
    for (const fate of [...Object.keys(SAYS), 'own', 'free', 'given'])
      t.ok((counts.get(fate) ?? 0) > 20, `${fate}: ${counts.get(fate)}`)
  },
)

t.test('ADD refuses a request of a family that the interface has no pool of', async t => {
  const cluster = drawn(() => 0)
  const { refused } = await addOf(1, cluster, { ...none, ip: 'fd00:2::1' }, ['p0'])
  t.match(refused, {
    refusal: 'wrongInput',
    message: /IP=fd00:2::1 of CNI_ARGS asks for fd00:2::1, and eth0 has pools of IPv4 only/,
  })
})

t.test('ADD refuses a prefix length that is not the pool’s', async t => {
  const { refused } = await addOf(
    1,
    drawn(() => 0),
    { ...none, argsIps: ['10.0.0.1/16'] },
    ['p0'],
  )
  t.match(refused, {
    refusal: 'wrongInput',
    message: /10\.0\.0\.1\/16, and pool p0 has subnet prefix length 24; write 10\.0\.0\.1\/24/,
  })
})
