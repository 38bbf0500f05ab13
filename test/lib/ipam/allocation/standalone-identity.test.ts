// Identity of a container without a pod.
import t from 'tap'
import { CONTAINER, isOfContainer, isRecordName, uidOf } from '../../../../lib/ipam/allocation/standalone-identity.js'

const names: readonly (readonly [of: string, id: string, is: boolean])[] = [
  ['64 hex digits', 'a'.repeat(64), true],
  ['65', 'a'.repeat(65), false],
  ['nothing', '', false],
  ['one letter', 'a', true],
  ['dots and hyphens', 'a-b.c', true],
  ['a hyphen in front', '-a', false],
  ['a dot behind', 'a.', false],
  ['capitals', 'Ab', false],
  ['an underscore', 'a_b', false],
]
for (const [of, id, is] of names)
  t.test(`isRecordName() of ${of} is ${is}`, async t => t.strictSame(isRecordName(id), is))

t.test('uidOf() truncates the ID to the length of a label value', async t => {
  for (const [length, is] of [
    [3, 3],
    [63, 63],
    [64, 63],
  ] as const)
    t.strictSame(uidOf({ id: 'a'.repeat(length) }).length, is)
})

t.test('isOfContainer() compares group and kind', async t => {
  const owners = [
    { ...CONTAINER, name: 'c' },
    { ...CONTAINER, kind: 'Pod', name: 'c' },
    { ...CONTAINER, apiVersion: 'v1', name: 'c' },
  ]
  t.strictSame(
    owners.map(owner => isOfContainer({ owner })),
    [true, false, false],
  )
})
