// What is written where a NetworkAttachmentDefinition is not as it shall be.
import t from 'tap'
import { differenceOf, isOwnedBy, otherOwner } from '../../../../../daemons/controller/reconcilers/nad/difference.js'
import { nadOf, OURS } from '../../../../../daemons/controller/reconcilers/nad/decide.js'

const smc = {
  metadata: { name: 'm', namespace: 'n', uid: 'u1' },
  spec: { cniType: 'macvlan', macvlan: { master: ['e'] } },
} as const
const shall = nadOf(smc, OURS)
const is = { ...shall, metadata: { ...shall.metadata, uid: 'x', resourceVersion: '7' } }

t.test('nothing is written where nothing differs', async t => {
  t.equal(differenceOf(is, shall), undefined)
  t.equal(differenceOf({ ...is, metadata: { ...is.metadata, annotations: {} } }, shall), undefined, 'none is as empty')
})

t.test('an edited conf, annotation or owner is set right, at the version that was read', async t => {
  const edited = [
    { ...is, spec: { config: '{}' } },
    { ...is, metadata: { ...is.metadata, annotations: { mine: '1' } } },
    { ...is, metadata: { ...is.metadata, ownerReferences: [] } },
  ]
  for (const one of edited) {
    const news = differenceOf(one, shall)
    t.match(news, {
      metadata: { resourceVersion: '7', ownerReferences: shall.metadata.ownerReferences },
      spec: shall.spec,
    })
    t.equal(news?.metadata.annotations, undefined)
  }
})

t.test('whose it is', async t => {
  t.ok(isOwnedBy(is, smc))
  t.notOk(isOwnedBy(is, { metadata: { ...smc.metadata, uid: 'u2' } }))
  t.equal(otherOwner(is, smc), undefined)
  t.equal(otherOwner(is, { metadata: { ...smc.metadata, name: 'other' } }), 'm')
  t.equal(otherOwner({ metadata: { name: 'm' } }, smc), undefined, 'one that nobody owns is taken over')
})
