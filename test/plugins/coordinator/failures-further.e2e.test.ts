// ADD of a secondary interface with each of its requests failing: nothing is left.
import t from 'tap'
import { close, refuseEach } from './failing.js'

t.teardown(close)
refuseEach(t, 'a secondary interface')
