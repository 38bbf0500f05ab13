// nf_tables tables on a real kernel, under Bun: what nft lists of ours, and what we read of nft's.
import t from 'tap'
import { fileURLToPath } from 'node:url'
import { NFT_TABLE, nftTableText, type NftTable } from '../../../lib/plan/nft-table.js'
import { must, openNetwork, type Place } from '../../fixtures/netns.js'
import type { Ask, NftReply } from '../../fixtures/nft.js'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const network = openNetwork()
t.teardown(() => network.close())

function tell(pod: Place, asks: readonly Ask[], under = ''): readonly NftReply[] {
  const program = `${under} ${ROOT}scripts/bun.sh ${ROOT}test/fixtures/nft.ts`
  return JSON.parse(must(`${program} ${pod.path} '${JSON.stringify(asks)}'`)) as readonly NftReply[]
}

const listed = (pod: Place, name = NFT_TABLE): string =>
  pod
    .sh(`nft -y list table inet ${name}`)
    .replaceAll(/ packets \d+ bytes \d+/g, '')
    .replaceAll(/\n\n/g, '\n')
    .trim()

const base = { type: 'filter', hook: 'prerouting', priority: -150 } as const
/** Replies leave where their connection came in: what the coordinator puts into a pod. */
const marks: NftTable = {
  name: NFT_TABLE,
  chains: [
    {
      name: 'output',
      base: { type: 'route', hook: 'output', priority: -150 },
      rules: [[{ set: 'mark', to: 'ct mark' }]],
    },
    {
      name: 'prerouting',
      base,
      rules: [
        [
          { match: 'iifname', is: 'veth0' },
          { match: 'ct state', in: ['new'] },
          { set: 'mark', to: 1 },
        ],
        [
          { match: 'mark', is: 1 },
          { set: 'ct mark', to: 'mark' },
        ],
      ],
    },
  ],
}
const other: NftTable = {
  name: NFT_TABLE,
  chains: [
    { name: 'empty', rules: [] },
    {
      name: 'every-word',
      base: { type: 'nat', hook: 'postrouting', priority: 100, policy: 'drop' },
      rules: [
        [
          { match: 'oifname', is: 'a-name-of-15-by', not: true },
          { match: 'ct state', in: ['invalid', 'established', 'related', 'new', 'untracked'] },
          { match: 'ct direction', is: 'reply' },
          { match: 'ct mark', is: 0xffffffff, mask: 0xff00ff00 },
          { match: 'mark', is: 0, not: true },
          { match: 'mark', is: 3, mask: 0xf, not: true },
          { counter: true },
          { set: 'ct mark', to: 0xdeadbeef },
          { set: 'mark', to: 'ct mark' },
          { verdict: 'return' },
        ],
      ],
    },
  ],
}

for (const [of, table] of Object.entries({ 'the marks for replies': marks, 'every statement there is': other }))
  t.test(`nft list prints ${of} as nftTableText() does`, t => {
    const pod = network.pod()
    t.strictSame(tell(pod, [{ do: 'apply', table }]), [{ holds: true, text: nftTableText(table) }])
    t.equal(listed(pod), nftTableText(table))
    t.end()
  })

t.test('isSatisfied() for a table that nft made', t => {
  const pod = network.pod()
  for (const table of [marks, other]) {
    must(`printf '%s' '${nftTableText(table)}' | ip netns exec ${pod.name} nft -f -`)
    t.strictSame(tell(pod, [{ do: 'look', table }]), [{ holds: true, text: nftTableText(table) }])
    pod.sh(`nft delete table inet ${NFT_TABLE}`)
  }
  t.end()
})

t.test('setNftTable again replaces the table', t => {
  const pod = network.pod()
  const again: Ask = { do: 'apply', table: marks }
  for (const { text } of tell(pod, [again, again, { do: 'apply', table: other }, again]).slice(-1))
    t.equal(text, nftTableText(marks))
  pod.sh(`nft insert rule inet ${NFT_TABLE} prerouting ip saddr 10.0.0.1 drop`)
  const [stranger, healed] = tell(pod, [{ do: 'look', table: marks }, again])
  t.match(stranger, { holds: false, text: /\(meta\) \(cmp\) \(payload\) \(cmp\) drop/ })
  t.strictSame(healed, { holds: true, text: nftTableText(marks) })
  t.end()
})

t.test('setNftTable undo restores the table before, or deletes it; tables of others stay', t => {
  const pod = network.pod()
  pod.sh('nft add table inet theirs && nft add table ip spiderpool')
  const before = pod.sh('nft list ruleset')
  const [, swapped, back, gone, twice] = tell(pod, [
    { do: 'apply', table: marks },
    { do: 'apply', table: other, was: 'seen' },
    { do: 'undo', table: other, was: marks },
    { do: 'undo', table: marks },
    { do: 'undo', table: marks },
  ])
  t.match(swapped, { text: nftTableText(other) })
  t.match(back, { text: nftTableText(marks) })
  t.strictSame([gone, twice], [{ holds: false }, { holds: false }])
  t.equal(pod.sh('nft list ruleset'), before)
  t.end()
})

t.test('setNftTable rejected changes nothing, and names the rule or chain', t => {
  const pod = network.pod()
  const wrong: NftTable = {
    name: NFT_TABLE,
    chains: [...marks.chains, { name: 'wrong', base: { type: 'route', hook: 'input', priority: 0 }, rules: [] }],
  }
  const [, refused, after] = tell(pod, [
    { do: 'apply', table: marks },
    { do: 'apply', table: wrong },
    { do: 'look', table: marks },
  ])
  t.match(refused, {
    error: /^operation not supported \(.*chain wrong; this kernel lacks nf_tables.*: modprobe nf_tables/,
  })
  t.strictSame(after, { holds: true, text: nftTableText(marks) })
  t.end()
})

t.test('setNftTable without netfilter fails with the remedy; observe and undo succeed', t => {
  // The first socket is that for links and routes.
  const under = 'strace -f -o /dev/null -e trace=socket -e inject=socket:error=EPROTONOSUPPORT:when=2+'
  const asks = (['apply', 'look', 'undo'] as const).map(what => ({ do: what, table: marks }))
  const [refused, ...rest] = tell(network.pod(), asks, under)
  t.match(refused, { error: /^protocol not supported \(this kernel lacks nf_tables.*: modprobe nf_tables nft_ct, or / })
  t.strictSame(rest, [{ holds: false }, { holds: false }])
  t.end()
})
