// differenceOf() and owners of NetworkAttachmentDefinitions.
import t from 'tap'
import { differenceOf, isOwnedBy, otherOwner } from '../../../../../daemons/controller/reconcilers/nad/difference.js'
import { nadOf, OURS } from '../../../../../daemons/controller/reconcilers/nad/decide.js'

const smc = {
  metadata: { name: 'm', namespace: 'n', uid: 'u1' },
  spec: { cniType: 'macvlan', macvlan: { master: ['e'] } },
} as const
const desired = nadOf(smc, OURS)
const current = { ...desired, metadata: { ...desired.metadata, uid: 'x', resourceVersion: '7' } }

t.test('differenceOf() is undefined where nothing differs', async t => {
  t.equal(differenceOf(current, desired), undefined)
  t.equal(
    differenceOf({ ...current, metadata: { ...current.metadata, annotations: {} } }, desired),
    undefined,
    'none is as empty',
  )
})

t.test('differenceOf() repairs an edited conf, annotation or owner, with the current resourceVersion', async t => {
  const edited = [
    { ...current, spec: { config: '{}' } },
    { ...current, metadata: { ...current.metadata, annotations: { mine: '1' } } },
    { ...current, metadata: { ...current.metadata, ownerReferences: [] } },
  ]
  for (const one of edited) {
    const changed = differenceOf(one, desired)
    t.match(changed, {
      metadata: { resourceVersion: '7', ownerReferences: desired.metadata.ownerReferences },
      spec: desired.spec,
    })
    t.equal(changed?.metadata.annotations, undefined)
  }
})

t.test('isOwnedBy() and otherOwner() compare owner references', async t => {
  t.ok(isOwnedBy(current, smc))
  t.notOk(isOwnedBy(current, { metadata: { ...smc.metadata, uid: 'u2' } }))
  t.equal(otherOwner(current, smc), undefined)
  t.equal(otherOwner(current, { metadata: { ...smc.metadata, name: 'other' } }), 'm')
  t.equal(otherOwner({ metadata: { name: 'm' } }, smc), undefined, 'one without an owner is adopted')
})
