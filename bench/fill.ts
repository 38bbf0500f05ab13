// ADD with 100,000 allocated addresses: a /15 and a /64, in turn with an empty /24.
import { addressObject } from '../lib/ipam/allocation/address-object.js'
import { poolOf } from '../lib/ipam/allocation/pool.js'
import { fromBigint, toBigint, ip, type Family } from '../lib/ip/address.js'
import type { SpiderIPPool } from '../lib/crd/types.js'
import { measure, median, type Row, type Sample } from './measure.js'
import { BIN, callOf, SPIDER, type Stage } from './stage.js'

const TAKEN = 100_000
const WRITERS = 64
const ROUNDS = 21

interface Subject {
  readonly name: string
  readonly label: string
  readonly family: Family
  readonly spec: object
  /** First address to take; as many as TAKEN from there on. */
  readonly from?: string
}

const SUBJECTS: readonly Subject[] = [
  {
    name: 'empty24',
    label: 'an empty /24',
    family: 4,
    spec: { subnet: '10.96.0.0/24', ips: ['10.96.0.10-10.96.0.250'] },
  },
  {
    name: 'full15',
    label: `a /15 with ${TAKEN} taken`,
    family: 4,
    spec: { subnet: '10.2.0.0/15', ips: ['10.2.0.1-10.3.255.254'] },
    from: '10.2.0.1',
  },
  {
    name: 'full64',
    label: `a /64 with ${TAKEN} taken`,
    family: 6,
    spec: { subnet: 'fd00:64::/64', ips: ['fd00:64::1-fd00:64::ffff:ffff:ffff:fffe'] },
    from: 'fd00:64::1',
  },
]

export async function fill(stage: Stage): Promise<readonly Row[]> {
  for (const subject of SUBJECTS) {
    const pool = await stage.pool(subject.name, subject.spec)
    if (subject.from !== undefined) await take(stage, pool as unknown as SpiderIPPool, subject.from, subject.family)
  }
  const samples = new Map<Subject, Sample[]>(SUBJECTS.map(subject => [subject, []]))
  for (let round = 0; round < ROUNDS; round++)
    for (const subject of SUBJECTS) {
      const pod = await stage.pod(`${subject.name}-${round}`, subject.name, subject.family)
      const call = callOf(stage, { verb: 'ADD', pod, type: 'spiderpool-ipam' })
      const sample = await measure({ file: `${BIN}/spiderpool-ipam`, ...call })
      if (sample.status !== 0) throw new Error(`ADD in ${subject.label}: ${sample.stdout}`)
      samples.get(subject)?.push(sample)
    }
  return SUBJECTS.flatMap(subject => {
    const own = samples.get(subject) ?? []
    return [
      { what: `ADD in ${subject.label}, wall`, value: median(own.map(({ wallMs }) => wallMs)), unit: 'ms' },
      { what: `ADD in ${subject.label}, CPU`, value: median(own.map(({ cpuMs }) => cpuMs)), unit: 'ms' },
    ]
  })
}

/** The objects themselves, as an ADD would create them, for pods that exist nowhere. */
async function take(stage: Stage, object: SpiderIPPool, from: string, family: Family): Promise<void> {
  const pool = poolOf(object, family)
  const first = toBigint(ip(from))
  let next = 0
  const writer = async (): Promise<void> => {
    for (let at = next++; at < TAKEN; at = next++) {
      const claimant = {
        namespace: 'default',
        name: `filler-${at}`,
        uid: `filler-${at}`,
        record: `filler-${at}`,
        node: 'n0',
        containerID: 'filler',
        owner: { apiVersion: 'v1', kind: 'Pod', name: `filler-${at}` },
      }
      await stage.ask(
        'POST',
        `${SPIDER}/spideripaddresses`,
        addressObject({ ip: fromBigint(first + BigInt(at), family), pool, nic: 'eth0', claimant }),
      )
    }
  }
  await Promise.all(Array.from({ length: WRITERS }, writer))
}
