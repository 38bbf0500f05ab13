// The known word that a misspelt one probably meant.
import t from 'tap'
import { distance, nearest } from '../../lib/edit-distance.js'

for (const [a, b, typos] of [
  ['ippool', 'ippool', 0],
  ['ipool', 'ippool', 1],
  ['ippools', 'ippool', 1],
  ['ippoll', 'ippool', 1],
  ['ipopol', 'ippool', 1],
  ['', 'abc', 3],
  ['abc', '', 3],
  ['abcd', 'badc', 2],
  ['kitten', 'sitting', 3],
] as const)
  t.equal(distance(a, b), typos, `distance() of ${a} and ${b}`)

const KEYS = ['ippool', 'ippools', 'routes', 'subnet', 'subnets', 'enableIPv4', 'enableIPv6']
for (const [word, meant] of [
  ['ipool', 'ippool'],
  ['IPPool', 'ippool'],
  ['ippoools', 'ippools'],
  ['enableIpv4', 'enableIPv4'],
  ['enableIPv5', 'enableIPv4'],
  ['route', 'routes'],
  ['enable', 'enableIPv4'],
  ['ip', undefined],
  ['mtu', undefined],
  ['x', undefined],
] as const)
  t.equal(nearest(word, KEYS), meant, `nearest() of ${word}`)
