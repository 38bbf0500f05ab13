// ADD and DEL of one pod: IPAM alone, macvlan-wrapper with IPAM, Debian's macvlan with host-local.
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
      label: 'the same, conflict detection',
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
  ]
}

export async function addDel(stage: Stage): Promise<readonly Row[]> {
  await stage.pool('bench', { subnet: '10.98.0.0/24', ips: ['10.98.0.10-10.98.0.250'], gateway: '10.98.0.1' })
  const all = subjects(stage)
  const pairs = new Map<Subject, Pair>(all.map(subject => [subject, { add: [], del: [] }]))
  for (let round = 0; round < ROUNDS; round++)
    for (const subject of all) {
      const pod = await stage.pod(`one-${round}-${all.indexOf(subject)}`, 'bench')
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
