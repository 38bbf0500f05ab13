// The commands of docs/ifacer.md, one after another in a shell, on a kernel that has VLANs; the
// executables stand in /opt/cni/bin for it alone.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { BIN } from '../../fixtures/executable.js'
import { closeLinks, netns } from '../../fixtures/links.js'
import { must } from '../../fixtures/netns.js'
import { ROOT } from '../../../scripts/source-tree.js'

t.teardown(closeLinks)

t.test('docs/ifacer.md: every command works', async t => {
  const blocks = [...readFileSync(`${ROOT}docs/ifacer.md`, 'utf8').matchAll(/```sh\n(.*?)```/gs)]
  t.equal(blocks.length, 1)
  const node = netns('g')
  must(`ip -n ${node} link add eth1 type dummy`)
  const script = `${t.testdir()}/commands.sh`
  const own = `mkdir -p /opt/cni/bin && mount --bind ${BIN} /opt/cni/bin && mount -t tmpfs tmpfs /var/log && mount -t tmpfs tmpfs /run/netns && cd /var/log`
  must(`cat >${script} <<'EOF'\nset -e\n${own}\n${blocks[0]?.[1] ?? ''}EOF`)
  const said = must(`ip netns exec ${node} sh ${script}`)
  t.match(said, /"cniVersion": "1\.1\.0"\n}[^]*eth1\.100@eth1: [^]*vlan protocol 802\.1Q id 100/)
  t.match(JSON.parse(said.trim().split('\n').at(-1) ?? ''), { level: 'INFO', msg: 'links made', command: 'ADD' })
  t.notMatch(said, /"code"/)
})
