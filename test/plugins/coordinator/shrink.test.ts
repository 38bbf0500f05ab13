// Schedules that fail are made short before they are told: by leaving out what the failure does not need.
import t from 'tap'
import { shrunk } from '../../fixtures/shrink.js'

const upTo = (n: number): readonly number[] => Array.from({ length: n }, (_, at) => at)
const needs =
  (...wanted: readonly number[]) =>
  async (list: readonly number[]): Promise<boolean> =>
    wanted.every(one => list.includes(one))

t.test('only what the failure needs is left', async t => {
  t.strictSame(await shrunk(upTo(14), needs(3, 9), 100), [3, 9])
  t.strictSame(await shrunk(upTo(14), needs(), 100), [])
  t.strictSame(await shrunk([5], needs(5), 100), [5])
})

t.test('with few tries it is shorter, and fails still', async t => {
  const list = await shrunk(upTo(64), needs(3, 40), 8)
  t.ok(list.length < 64 && list.includes(3) && list.includes(40), `${list.length} of 64`)
})
