// Conn.batch on a transport that answers as nfnetlink does: all or nothing, and which part failed.
import t from 'tap'
import { Conn } from '../../../lib/netlink/conn.js'
import { BatchError, ERRNO } from '../../../lib/netlink/errno.js'
import { framesOf, NLM_F, NLMSG, nlmsghdr, part } from '../../../lib/netlink/message.js'
import { nftBatch, ofInet } from '../../../lib/netlink/nft/message.js'
import { chainAdd, tableAdd, tableDel } from '../../../lib/netlink/nft/table.js'
import { concat, s32, WireError } from '../../../lib/bytes.js'

/** `blame`: which message of the datagram, 0 being the begin, is answered, and with what. */
type Answer = readonly [blame: number, errno: keyof typeof ERRNO | 'yes']

function play(answers: readonly Answer[], datagrams = 1) {
  const sent: Uint8Array[] = []
  const answer = ([blame, errno]: Answer): Uint8Array => {
    const asked = framesOf(sent.at(-1) ?? new Uint8Array(0))[blame]
    if (asked === undefined) throw new Error('the script is wrong')
    const payload = concat([s32.encode(errno === 'yes' ? 0 : -ERRNO[errno]), nlmsghdr.encode(asked.header)])
    const header = {
      length: 16 + payload.length,
      type: NLMSG.error,
      flags: NLM_F.capped,
      seq: asked.header.seq,
      pid: 0,
    }
    return concat([nlmsghdr.encode(header), payload])
  }
  let left = datagrams
  const conn = new Conn({
    send: bytes => void sent.push(bytes),
    sendAsync: () => Promise.reject(new Error('not on another thread here')),
    receive() {
      if (left-- === 0) throw new Error('asked for more than there is')
      return concat(answers.map(answer))
    },
    close: () => undefined,
  })
  return { conn, sent }
}

const name = 'ours'
const parts = [
  part(tableAdd, { header: ofInet, attrs: { name } }),
  part(tableDel, { header: ofInet, attrs: { name } }),
  part(chainAdd, { header: ofInet, attrs: { table: name, name: 'c' } }),
]

t.test('batch() sends one datagram with begin, changes and end, and NLM_F_ACK on the last change', t => {
  const { conn, sent } = play([[3, 'yes']])
  conn.batch(nftBatch, parts)
  t.equal(sent.length, 1)
  const frames = framesOf(sent[0] ?? new Uint8Array(0)).map(({ header }) => header)
  t.strictSame(
    frames.map(({ type, flags, seq }) => [type, flags, seq]),
    [
      [0x10, NLM_F.request, 1],
      [0xa00, NLM_F.request, 2],
      [0xa02, NLM_F.request, 3],
      [0xa03, NLM_F.request | NLM_F.create | NLM_F.ack, 4],
      [0x11, NLM_F.request, 5],
    ],
  )
  conn.batch(nftBatch, [])
  t.equal(sent.length, 1, 'an empty one is not sent')
  t.end()
})

const refusals: readonly {
  of: string
  answers: readonly Answer[]
  op: string
  code: string
  part: number | undefined
}[] = [
  {
    of: 'the first change that is refused is to blame, not those that fail because of it',
    answers: [
      [2, 'ENOENT'],
      [3, 'EEXIST'],
    ],
    op: 'nft.table.del',
    code: 'ENOENT',
    part: 1,
  },
  { of: 'the last may be the one', answers: [[3, 'EOPNOTSUPP']], op: 'nft.chain.add', code: 'EOPNOTSUPP', part: 2 },
  {
    of: 'an early refusal waits for the end, so that nothing of it is read as another answer',
    answers: [
      [1, 'EBUSY'],
      [3, 'yes'],
    ],
    op: 'nft.table.add',
    code: 'EBUSY',
    part: 0,
  },
  {
    of: 'no nf_tables at all is no change of ours',
    answers: [[0, 'EOPNOTSUPP']],
    op: 'batch.begin',
    code: 'EOPNOTSUPP',
    part: undefined,
  },
  { of: 'no right to it neither', answers: [[0, 'EPERM']], op: 'batch.begin', code: 'EPERM', part: undefined },
]

for (const { of, answers, ...refusal } of refusals)
  t.test(of, t => {
    const { conn } = play(answers)
    t.throws(() => conn.batch(nftBatch, parts), { constructor: BatchError, ...refusal })
    t.end()
  })

t.test('batch() gives up on endless answers', t => {
  const { conn } = play([], 10_000)
  t.throws(() => conn.batch(nftBatch, parts), { constructor: WireError, message: /^batch.begin: no end after/ })
  t.end()
})
