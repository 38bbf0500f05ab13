// The ADD of a secondary interface, and each of its requests refused: nothing is left, and what was there before stands.
import t from 'tap'
import { close, refuseEach } from './failing.js'

t.teardown(close)
refuseEach(t, 'a secondary interface')
