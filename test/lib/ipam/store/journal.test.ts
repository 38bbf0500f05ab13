// The journal of an ADD on its node, in a temporary directory.
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import t from 'tap'
import { journalAt, journalsIn } from '../../../../lib/ipam/store/journal.js'

const folder = mkdtempSync(`${tmpdir()}/journal-`)
t.teardown(() => rmSync(folder, { recursive: true }))
const eth0 = { network: 'net', containerID: 'c1', nic: 'eth0' }
const net1 = { ...eth0, nic: 'net1' }

t.test('journalAt() reads the noted names in order, from any process', async t => {
  const dir = `${folder}/made/of/need`
  t.strictSame([journalAt(dir, eth0).read(), journalsIn(dir)], [[], []], 'nothing where there is no folder')
  journalAt(dir, eth0).note('10.1.0.1')
  journalAt(dir, eth0).note('10.1.0.2')
  journalAt(dir, net1).note('10.1.0.3')
  t.strictSame(journalAt(dir, eth0).read(), ['10.1.0.1', '10.1.0.2'])
  t.strictSame(statSync(dir).mode & 0o777, 0o700)
  t.strictSame(
    journalsIn(dir)
      .map(({ nic }) => nic)
      .sort(),
    ['eth0', 'net1'],
  )
})

t.test('journalAt() is empty after close(), which may be repeated', async t => {
  const dir = `${folder}/closed`
  const journal = journalAt(dir, eth0)
  journal.close()
  journal.note('10.1.0.1')
  journalAt(dir, net1).note('10.1.0.3')
  journal.close()
  journal.close()
  t.strictSame([journal.read(), journalsIn(dir)], [[], [net1]])
})

t.test('journalsIn() ignores files that are not journals', async t => {
  const dir = `${folder}/others`
  journalAt(dir, eth0).note('10.1.0.1')
  for (const name of ['x', 'a:b']) writeFileSync(`${dir}/${name}`, '')
  t.strictSame(journalsIn(dir), [eth0])
})

t.test('journalAt() throws where the directory cannot be created', async t => {
  writeFileSync(`${folder}/file`, '')
  t.throws(() => journalAt(`${folder}/file`, eth0).note('10.1.0.1'), { code: 'ENOTDIR' })
  t.throws(() => journalAt(`${folder}/file`, eth0).read(), { code: 'ENOTDIR' })
})
