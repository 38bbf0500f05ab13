// ADD of a default interface with each of its requests failing or its answer lost: nothing is left.
import t from 'tap'
import { close, loseEach, refuseEach } from './failing.js'

t.teardown(close)
refuseEach(t, 'a default interface')
t.test('ADD whose answer is lost undoes what the kernel applied', loseEach)
