// The ADD of a default interface, and each of its requests refused or its answer lost: nothing is left.
import t from 'tap'
import { close, loseEach, refuseEach } from './failing.js'

t.teardown(close)
refuseEach(t, 'a default interface')
t.test('an answer that is lost: what the kernel did all the same is undone too', loseEach)
