// ADD and DEL of one pod: IPAM alone, macvlan-wrapper with IPAM (IPv4, and both families), Debian's
// macvlan with host-local.
import { measure, median, type Row, type Sample } from './measure.js'
import { BIN, callOf, DEBIAN, type Pod, type Stage } from './stage.js'

const ROUNDS = 25

interface Pair {
  readonly add: Sample[]
  readonly del: Sample[]
}

interface Subject {
  readonly label: string
  readonly file: string
  readonly type: string
  readonly ipam?: object
  readonly isDualStack?: true
  readonly bounds: { readonly wall?: string; readonly cpu?: string }
}

function subjects(stage: Stage): readonly Subject[] {
  const hostLocal = { type: 'host-local', subnet: '10.99.0.0/16', dataDir: `${stage.folder}/host-local` }
  return [
    {
      label: 'spiderpool-ipam',
      file: `${BIN}/spiderpool-ipam`,
      type: 'spiderpool-ipam',
      bounds: { wall: '<= 30 ms', cpu: '<= 25 ms' },
    },
    {
      label: 'macvlan-wrapper with IPAM',
      file: `${BIN}/macvlan-wrapper`,
      type: 'macvlan-wrapper',
      bounds: { wall: '<= 40 ms' },
    },
    {
      label: 'the same, dual stack',
      file: `${BIN}/macvlan-wrapper`,
      type: 'macvlan-wrapper',
      isDualStack: true,
      bounds: { wall: '<= 300 ms' },
    },
    {
      label: 'macvlan-wrapper, conflict detection',
      file: `${BIN}/macvlan-wrapper`,
      type: 'macvlan-wrapper',
      ipam: {
        type: 'spiderpool',
        kubeconfig: stage.kubeconfig,
        log_level: 'warn',
        log_file_path: `${stage.folder}/log`,
        enableIPConflictDetection: true,
      },
      bounds: {},
    },
    { label: 'Debian macvlan + host-local', file: `${DEBIAN}/macvlan`, type: 'macvlan', ipam: hostLocal, bounds: {} },
    {
      label: 'the same, dual stack',
      file: `${DEBIAN}/macvlan`,
      type: 'macvlan',
      ipam: { ...hostLocal, subnet: undefined, ranges: [[{ subnet: '10.99.0.0/16' }], [{ subnet: 'fd99::/64' }]] },
      bounds: {},
    },
  ]
}

export async function addDel(stage: Stage): Promise<readonly Row[]> {
  await stage.pool('bench', { subnet: '10.98.0.0/24', ips: ['10.98.0.10-10.98.0.250'], gateway: '10.98.0.1' })
  await stage.pool('bench6', { subnet: 'fd98::/64', ips: ['fd98::10-fd98::f0'], gateway: 'fd98::1' })
  const all = subjects(stage)
  const pairs = new Map<Subject, Pair>(all.map(subject => [subject, { add: [], del: [] }]))
  for (let round = 0; round < ROUNDS; round++)
    for (const subject of all) {
      const pools = { ipv4: ['bench'], ...(subject.isDualStack && { ipv6: ['bench6'] }) }
      const pod = await stage.podOf(`one-${round}-${all.indexOf(subject)}`, pools)
      await once(stage, subject, pod, pairs.get(subject))
    }
  return all.flatMap(subject => rowsOf(subject, pairs.get(subject)))
}

async function once(stage: Stage, { file, type, ipam }: Subject, pod: Pod, pair: Pair | undefined): Promise<void> {
  const call = (verb: string) => ({ file, ...callOf(stage, { verb, pod, type, ...(ipam && { ipam }) }) })
  const add = await measure(call('ADD'))
  if (add.status !== 0) throw new Error(`${type} ADD: ${add.stdout}`)
  await stage.ask('DELETE', `/api/v1/namespaces/default/pods/${pod.name}?gracePeriodSeconds=0`)
  const del = await measure(call('DEL'))
  if (del.status !== 0) throw new Error(`${type} DEL: ${del.stdout}`)
  pair?.add.push(add)
  pair?.del.push(del)
}

function rowsOf({ label, bounds }: Subject, pair: Pair | undefined): Row[] {
  if (!pair) return []
  return (['add', 'del'] as const).flatMap(verb => {
    const wanted = verb === 'add' ? bounds : {}
    return [
      {
        what: `${label} ${verb.toUpperCase()}, wall`,
        value: median(pair[verb].map(({ wallMs }) => wallMs)),
        unit: 'ms',
        ...(wanted.wall && { bound: wanted.wall }),
      },
      {
        what: `${label} ${verb.toUpperCase()}, CPU`,
        value: median(pair[verb].map(({ cpuMs }) => cpuMs)),
        unit: 'ms',
        ...(wanted.cpu && { bound: wanted.cpu }),
      },
    ]
  })
}
