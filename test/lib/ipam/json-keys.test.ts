// Case-insensitive keys of a JSON object.
import t from 'tap'
import { keysOf } from '../../../lib/ipam/json-keys.js'

t.test('keysOf() has lower-case keys; the last of two equal ones counts', async t => {
  t.strictSame(
    [...keysOf({ Ab: 1, aB: 2, c: null })],
    [
      ['ab', 2],
      ['c', null],
    ],
  )
})
