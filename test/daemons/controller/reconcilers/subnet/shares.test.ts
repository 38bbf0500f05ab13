// planShares(): growth, shrinking, and addresses that two shares claim.
import t from 'tap'
import { planShares, type Share } from '../../../../../daemons/controller/reconcilers/subnet/shares.js'
import { formatRanges, rangesOf, type Ranges } from '../../../../../lib/ip/range.js'

const r = (text: string): Ranges => rangesOf(text === '' ? [] : text.split(' ').map(full), 4)
const full = (part: string): string =>
  part
    .split('-')
    .map(last => `10.0.0.${last}`)
    .join('-')

interface Row {
  readonly of: string
  readonly effective?: string
  readonly withheld?: string
  readonly others?: string
  /** `pool | record | held | size` */
  readonly shares: Readonly<
    Record<string, readonly [pool: string | undefined, record: string | undefined, held: string, size?: number]>
  >
  /** Expected ranges, and how many are missing. */
  readonly want: Readonly<Record<string, string | readonly [ranges: string, missing: number]>>
}

const ROWS: readonly Row[] = [
  { of: 'a new one gets the lowest', shares: { a: [undefined, undefined, '', 3] }, want: { a: '10-12' } },
  { of: 'one of no addresses gets none', shares: { a: [undefined, undefined, '', 0] }, want: { a: '' } },
  {
    of: 'reserved ones are left out',
    withheld: '10-11 13',
    shares: { a: [undefined, undefined, '', 3] },
    want: { a: '12 14-15' },
  },
  {
    of: 'what other pools have is left out',
    others: '10-14',
    shares: { a: [undefined, undefined, '', 3] },
    want: { a: '15-17' },
  },
  {
    of: 'it grows by the lowest free',
    others: '12',
    shares: { a: ['10-11', '10-11', '', 4] },
    want: { a: '10-11 13-14' },
  },
  {
    of: 'the first comes first',
    shares: { a: [undefined, undefined, '', 2], b: [undefined, undefined, '', 2] },
    want: { a: '10-11', b: '12-13' },
  },
  {
    of: 'who does not fit lets the next one',
    effective: '10-13',
    shares: { a: [undefined, undefined, '', 5], b: [undefined, undefined, '', 2] },
    want: { a: ['', 1], b: '10-11' },
  },
  {
    of: 'who cannot grow stays',
    effective: '10-13',
    shares: { a: ['10-11', '10-11', '', 6] },
    want: { a: ['10-11', 2] },
  },
  {
    of: 'it shrinks by the lowest that no pod holds',
    shares: { a: ['10-14', '10-14', '11 13', 3] },
    want: { a: '11 13-14' },
  },
  { of: 'it never loses what pods hold', shares: { a: ['10-14', '10-14', '10-13', 2] }, want: { a: '10-13' } },
  {
    of: 'what is given back is not yet given out',
    shares: { a: ['10-12', '10-12', '', 0], b: [undefined, undefined, '', 2] },
    want: { a: '', b: '13-14' },
  },
  { of: 'a growth that was interrupted goes on', shares: { a: ['10-11', '10-13', '', 4] }, want: { a: '10-13' } },
  { of: 'a shrinking that was interrupted goes on', shares: { a: ['10-13', '12-13', '', 2] }, want: { a: '12-13' } },
  {
    of: 'a shrinking that a pod was faster than gives another one back',
    shares: { a: ['10-13', '12-13', '10', 2] },
    want: { a: '10 13' },
  },
  {
    of: 'what only an interrupted shrinking still has is not free',
    shares: { a: ['10-13', '12-13', '', 2], b: [undefined, undefined, '', 1] },
    want: { a: '12-13', b: '14' },
  },
  { of: 'a lost record is what the pool has', shares: { a: ['10-13', undefined, '', 4] }, want: { a: '10-13' } },
  { of: 'a record without its pool is kept', shares: { a: [undefined, '12-13', '', 2] }, want: { a: '12-13' } },
  { of: 'as many as it has', shares: { a: ['10-13', '10-13', ''] }, want: { a: '10-13' } },
  {
    of: 'outside the subnet what is held stays',
    effective: '13-20',
    shares: { a: ['10-13', '10-13', '11', 4] },
    want: { a: '11 13-15' },
  },
  {
    of: 'of two that claim one, who holds it has it',
    shares: { a: ['10-11', '10-11', '', 2], b: ['11-12', '11-12', '11', 2] },
    want: { a: '10 13', b: '11-12' },
  },
  {
    of: 'of two that claim one, the earlier has it',
    shares: { a: ['10-11', '10-11', '', 2], b: ['11-12', '11-12', '', 2] },
    want: { a: '10-11', b: '12-13' },
  },
  {
    of: 'a pool without a share comes first',
    others: '11',
    shares: { a: ['10-11', '10-11', '', 2] },
    want: { a: '10 12' },
  },
]

for (const { of, effective = '10-20', withheld = '', others = '', shares, want } of ROWS)
  t.test(`planShares() ${of}`, async t => {
    const all = Object.entries(shares).map(([name, [pool, record, held, size]]): Share => {
      return {
        name,
        pool: pool === undefined ? undefined : r(pool),
        record: record === undefined ? undefined : r(record),
        held: () => r(held),
        size: size === undefined ? undefined : BigInt(size),
      }
    })
    const ground = { effective: r(effective), withheld: r(withheld), others: r(others), isThorough: false }
    const shared = planShares(all, ground)
    for (const [name, expected] of Object.entries(want)) {
      const [ranges, missing] = typeof expected === 'string' ? [expected, 0] : expected
      const got = shared.get(name)
      t.strictSame(
        [formatRanges(got?.ranges ?? [], 4), got?.missing],
        [formatRanges(r(ranges), 4), BigInt(missing)],
        name,
      )
    }
  })

t.test('planShares() reads held addresses only for changes or a thorough plan', async t => {
  let heldReads = 0
  const held = (): Ranges => {
    heldReads += 1
    return []
  }
  const share = { name: 'a', pool: r('10-11'), record: r('10-11'), held, size: 2n }
  const ground = { effective: r('10-20'), withheld: [], others: [], isThorough: false }
  planShares([share], ground)
  t.equal(heldReads, 0)
  planShares([share], { ...ground, isThorough: true })
  t.equal(heldReads, 1)
})

t.test('planShares() of a /64 is as fast as of a /28', async t => {
  const effective = rangesOf(['fd00::-fd00::ffff:ffff:ffff:ffff'], 6)
  const shares = Array.from({ length: 1000 }, (_, at): Share => {
    return { name: `s${at}`, pool: undefined, record: undefined, held: () => [], size: 2n ** 50n }
  })
  const shared = planShares(shares, { effective, withheld: [], others: [], isThorough: true })
  t.strictSame(formatRanges(shared.get('s999')?.ranges ?? [], 6), ['fd00::f9c:0:0:0-fd00::f9f:ffff:ffff:ffff'])
})
