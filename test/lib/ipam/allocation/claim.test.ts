// The holder of an address object, and who may take it over.
import t from 'tap'
import { ip } from '../../../../lib/ip/address.js'
import { addressObject, withHolder, isHeldBy, isUpToDate, orderSeed } from '../../../../lib/ipam/allocation/claim.js'
import type { Holder, Claimant } from '../../../../lib/ipam/allocation/claimant.js'
import { poolOf } from '../../../../lib/ipam/allocation/pool.js'
import { claimantOf, poolObject } from '../../../fixtures/memory.js'

const me = claimantOf('p')
const pool = poolOf(poolObject('a'), 4)
const at = { host: 'h', netns: '/run/netns/x', name: 'box' }
const object = (claimant: Claimant, nic = 'eth0') => addressObject({ ip: ip('10.1.0.5'), pool, nic, claimant })

const orders: readonly (readonly [of: string, claimant: Claimant, is: string])[] = [
  ['a pod', me, 'default/p/eth0/a'],
  ['a pod of the name with another UID', { ...me, uid: 'new' }, 'default/p/eth0/a'],
  ['a virtual machine', { ...me, record: 'vm' }, 'default/vm/eth0/a'],
  ['a container', { ...me, at }, 'default/box/eth0/a'],
]
for (const [of, claimant, is] of orders)
  t.test(`orderSeed() ${of} is ${is}`, async t => t.strictSame(orderSeed(claimant, 'eth0', pool), is))

t.test('addressObject() has the pod, its owner and its node', async t => {
  const { metadata, ...rest } = object(me)
  t.strictSame(rest, {
    ...{ apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderIPAddress' },
    spec: {
      ...{ address: '10.1.0.5/24', ipVersion: 4, pool: 'a', nic: 'eth0', node: 'n1', containerID: 'c-p' },
      pod: { namespace: 'default', name: 'p', uid: 'uid-p' },
      owner: { apiVersion: 'v1', kind: 'Pod', name: 'p' },
    },
  })
  t.strictSame(
    [metadata.name, Object.values(metadata.labels ?? {}), metadata.annotations],
    [...['10.1.0.5', ['uid-a', 'uid-p', 'n1']], undefined],
  )
})

t.test('addressObject() of a container has its host and netns', async t => {
  const { labels, annotations } = object({ ...me, at }).metadata
  t.strictSame(labels?.['ipam.spidernet.io/container-host'], 'h')
  t.strictSame(annotations, { 'ipam.spidernet.io/netns': '/run/netns/x' })
})

const before = { ...me, uid: 'uid-before' }
type Was = Holder['was']
const ours: readonly (readonly [of: string, holder: Claimant, nic: string, was: Was, is: boolean])[] = [
  ['the same pod and interface', me, 'eth0', undefined, true],
  ['the same pod, no interface yet', me, '', undefined, true],
  ['the same pod, another interface', me, 'net1', undefined, false],
  ['the same pod, the name that the interface had', me, '#1', { nic: '#1' }, true],
  ['the same pod, a name that another interface had', me, '#0', { nic: '#1' }, false],
  ['the pod before', before, 'eth0', { uid: 'uid-before' }, true],
  ['the pod before, which nothing is inherited of', before, 'eth0', undefined, false],
  ['another pod than the one before', claimantOf('q'), 'eth0', { uid: 'uid-before' }, false],
  ['the pod before, another interface', before, 'net1', { uid: 'uid-before' }, false],
]
for (const [of, holder, nic, was, is] of ours)
  t.test(`isHeldBy() of ${of} is ${is}`, async t =>
    t.strictSame(isHeldBy(object(holder, nic), { claimant: me, nic: 'eth0', ...(was && { was }) }), is),
  )

const current: readonly (readonly [of: string, holder: Claimant, nic: string, claimant: Claimant, is: boolean])[] = [
  ['what says all', me, 'eth0', me, true],
  ['an earlier container', { ...me, containerID: 'old' }, 'eth0', me, false],
  ['no interface yet', me, '', me, false],
  ['the pod before', before, 'eth0', me, false],
  ['another network namespace', { ...me, at }, 'eth0', { ...me, at: { ...at, netns: 'new' } }, false],
  ['the network namespace', { ...me, at }, 'eth0', { ...me, at }, true],
]
for (const [of, holder, nic, claimant, is] of current)
  t.test(`isUpToDate() of ${of} is ${is}`, async t => {
    t.strictSame(isUpToDate(object(holder, nic), { claimant, nic: 'eth0' }), is)
    t.strictSame(
      isUpToDate(withHolder(object(holder, nic), { claimant, nic: 'eth0' }), { claimant, nic: 'eth0' }),
      true,
    )
  })

t.test('withHolder() keeps the address and removes the mark of GC', async t => {
  const held = object(before, '#0')
  const marked = {
    ...held,
    metadata: {
      ...held.metadata,
      resourceVersion: '7',
      annotations: { 'ipam.spidernet.io/unattached-since': 'x', other: 'y' },
    },
  }
  const handed = withHolder(marked, { claimant: me, nic: 'eth0' })
  t.strictSame(handed.spec, object(me).spec)
  t.strictSame(handed.metadata, { ...object(me).metadata, resourceVersion: '7', annotations: { other: 'y' } })
})
