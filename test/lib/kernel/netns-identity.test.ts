// isGone(): whether the network namespace of a mark still exists.
import t from 'tap'
import { isGone, markOf, type NetnsLookup, type HostView } from '../../../lib/kernel/netns-identity.js'

const ROOT_PIDS = '4026531836'
const HERE: HostView = { machine: 'm1', boot: 'b1', pids: '7' }
const PATH = '/run/netns/a b'
const MARK = markOf(HERE, '42', PATH)

const look = (there: { readonly at?: string; readonly process?: string }): NetnsLookup => ({
  isAt: (path, inode) => path === PATH && inode === there.at,
  isOfProcess: inode => inode === there.process,
})

const rows: readonly { what: string; mark?: string; from?: Partial<HostView>; there?: object; gone: boolean }[] = [
  { what: 'neither at its path nor of a process', gone: true },
  { what: 'at its path, which has a blank', there: { at: '42' }, gone: false },
  { what: 'of a process', there: { process: '42' }, gone: false },
  { what: 'another at its path', there: { at: '43', process: '43' }, gone: true },
  { what: 'an earlier boot, though the inode is there', from: { boot: 'b2' }, there: { at: '42' }, gone: true },
  { what: 'a host of the same name that is another machine', from: { machine: 'm2', boot: 'b2' }, gone: false },
  { what: 'seen from a PID namespace beside it', from: { pids: '8' }, gone: false },
  { what: 'seen from the first PID namespace', from: { pids: ROOT_PIDS }, gone: true },
  { what: 'seen from the first PID namespace, of a process', from: { pids: ROOT_PIDS }, there: { process: '42' }, gone: false }, // prettier-ignore
  { what: 'a machine that got its identity only now', from: { machine: '' }, gone: false },
  { what: 'no mark', mark: '', gone: false },
  { what: 'a mark that is not ours', mark: 'm1 b1 7 x /run/netns/a', gone: false },
]

for (const { what, mark = MARK, from = {}, there = {}, gone } of rows)
  t.test(`isGone() ${what}: ${gone}`, async t => t.equal(isGone(mark, { ...HERE, ...from }, look(there)), gone))

t.test('isGone() without a machine ID knows its own boot only', async t => {
  const nameless = { ...HERE, machine: '' }
  const mark = markOf(nameless, '42', PATH)
  t.equal(isGone(mark, nameless, look({})), true)
  t.equal(isGone(mark, { ...nameless, boot: 'b2' }, look({})), false, 'it may be another machine without one')
})
