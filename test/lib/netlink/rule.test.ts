// Codecs of lib/netlink/rtnl/rule.ts against captured messages, and damaged ones. Knows no kernel.
import t from 'tap'
import * as captures from './captures/rule.js'
import { checkAnswers, checkCaptures } from './captures/row.js'

t.test('requests as others send them', t => (checkCaptures(t, [...captures.golden, ...captures.iproute2]), t.end()))
t.test('answers', t => (checkAnswers(t, captures.answers), t.end()))
