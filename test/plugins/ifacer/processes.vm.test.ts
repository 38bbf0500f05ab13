// ifacer's own processes on a kernel that has VLANs and bonds: many confs, two at once, killed at
// system calls and at moments.
import t from 'tap'
import { BIN } from '../../fixtures/executable.js'
import { closeLinks, netns } from '../../fixtures/links.js'
import { must } from '../../fixtures/netns.js'

/** Killed at every STEP-th change; how many random schedules besides, from which seed on. */
const { STEP = '8', SCHEDULES = '2', SEED = '0' } = process.env
const CALLS = 4

t.teardown(closeLinks)

t.test(
  'whatever is killed, there is what some order of whole calls would have made, and no pod lost its link',
  async t => {
    const [place, pods] = [netns('s'), netns('sp')]
    for (const nic of ['eth1', 'eth2', 'eth3']) must(`ip -n ${place} link add ${nic} up type dummy`)
    // Lock and notes of its own: the node's are in one place for all network namespaces.
    const own = 'mkdir -p /run/spidernet && mount -t tmpfs tmpfs /run/spidernet && mkdir /run/spidernet/ifacer'
    const schedules = `/run/netns/${pods} /run/spidernet/ifacer ${SEED} ${SCHEDULES} ${CALLS} ${BIN} ${STEP}`
    const driver = `scripts/bun.sh test/plugins/ifacer/real.ts ${schedules}`
    const said = must(`ip netns exec ${place} sh -c '${own} && exec ${driver}'`)
    const came = said
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as { name: string; broken?: string; least?: object })
    for (const kind of ['killed', 'meeting', 'seed'])
      t.ok(came.filter(({ name }) => name.startsWith(kind)).length >= 2, `there are schedules "${kind}"`)
    for (const { name, broken, least } of came) t.equal(broken, undefined, name, { least })
  },
)
