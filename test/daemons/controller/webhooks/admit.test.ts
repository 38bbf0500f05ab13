// reviewers(): many concurrent reviews are few lists, and none is answered by a list that began
// before it.
import t from 'tap'
import { reviewers } from '../../../../daemons/controller/webhooks/admit.js'
import { pathOf } from '../../../../daemons/controller/webhooks/configurations.js'
import type { Kube } from '../../../../lib/kube/client.js'

const LIST_MS = 20
const switches = { enableIPv4: true, enableIPv6: true, enableSpiderSubnet: false, keepsUsed: false }
const object = {
  apiVersion: 'spiderpool.spidernet.io/v2beta1',
  kind: 'SpiderIPPool',
  metadata: { name: 'p' },
  spec: { ipVersion: 4, subnet: '10.6.0.0/16', ips: ['10.6.0.1'] },
}
const review = { uid: 'u', operation: 'CREATE', namespace: '', name: 'p', object, old: undefined }

/** `pools` is read when a list begins. */
function judging(pools: () => readonly object[]): {
  readonly judge: () => Promise<unknown>
  readonly lists: () => number
} {
  let lists = 0
  const list: Kube['list'] = async () => {
    lists += 1
    const items = pools()
    await new Promise(resolve => setTimeout(resolve, LIST_MS))
    return { metadata: {}, items } as never
  }
  const judge = reviewers({ list } as unknown as Kube, switches).get(pathOf('validate', 'spiderippool'))
  if (!judge) throw new Error('pools are not judged')
  return { judge: () => judge(review), lists: () => lists }
}

t.test('reviewers() answers a hundred reviews at once with two lists of each kind', async t => {
  const { judge, lists } = judging(() => [])
  await judge()
  const one = lists()
  t.ok(one > 0)
  const verdicts = await Promise.all(Array.from({ length: 100 }, judge))
  t.strictSame(new Set(verdicts.map(verdict => JSON.stringify(verdict))), new Set(['{"kind":"allowed","warnings":[]}']))
  t.ok(lists() - one <= 2 * one, `${lists() - one} lists, ${one} for one review`)
})

t.test('reviewers() answers no review by a list that began before it', async t => {
  const pools: object[] = []
  const { judge } = judging(() => [...pools])
  const before = judge()
  pools.push({ ...object, metadata: { name: 'other', uid: 'o' } }) // written during the first list
  t.match(await judge(), { kind: 'denied' }, 'it sees what was written before its list')
  t.match(await before, { kind: 'allowed' })
})

t.test('reviewers() reads again after a list that failed', async t => {
  let fails = true
  const { judge } = judging(() => {
    if (fails) throw new Error('away')
    return []
  })
  await t.rejects(Promise.all([judge(), judge()]), { message: 'away' })
  fails = false
  t.match(await judge(), { kind: 'allowed' })
})
