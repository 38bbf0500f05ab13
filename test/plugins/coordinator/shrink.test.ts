// Failing schedules are shrunk before they are reported.
import t from 'tap'
import { shrunk } from '../../fixtures/shrink.js'

const upTo = (n: number): readonly number[] => Array.from({ length: n }, (_, at) => at)
const needs =
  (...wanted: readonly number[]) =>
  async (list: readonly number[]): Promise<boolean> =>
    wanted.every(one => list.includes(one))

t.test('shrink() leaves only what the failure needs', async t => {
  t.strictSame(await shrunk(upTo(14), needs(3, 9), 100), [3, 9])
  t.strictSame(await shrunk(upTo(14), needs(), 100), [])
  t.strictSame(await shrunk([5], needs(5), 100), [5])
})

t.test('shrink() with few tries is shorter and still fails', async t => {
  const list = await shrunk(upTo(64), needs(3, 40), 8)
  t.ok(list.length < 64 && list.includes(3) && list.includes(40), `${list.length} of 64`)
})
