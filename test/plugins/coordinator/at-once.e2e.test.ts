// Concurrent ADDs and DELs of many pods on one node: added pods are reachable, and the last DEL
// leaves nothing.
import t from 'tap'
import { nicOf, openCoordination, stateOf, type Nic } from '../../fixtures/coordination.js'
import { dumpOf } from '../../fixtures/dump.js'
import type { Place } from '../../fixtures/netns.js'

const world = openCoordination()
t.teardown(world.close)
const { node, coordinate, attach } = world

const PODS = 10
const ROUNDS = 8

interface Pod {
  readonly place: Place
  readonly nic: Nic
  readonly containerID: string
  isThere: boolean
}
const pods: readonly Pod[] = Array.from({ length: PODS }, (_, at) => ({
  place: world.pod(),
  nic: nicOf('eth0', 6, 'both', 100 + at),
  containerID: `${at}fb61198bf2c3d4`,
  isThere: false,
}))

/**
 * In every second round one pod is the only one, so that its DEL is the last and its ADD the first.
 */
const shallBe = (round: number, at: number): boolean =>
  round === ROUNDS ? false : round % 2 === 0 ? at === round % PODS : (at + round) % 3 > 0

t.test('concurrent ADDs and DELs keep added pods reachable', async t => {
  for (const { place, nic } of pods) attach(place, nic)
  const before = dumpOf(node)
  for (let round = 0; round <= ROUNDS; round++) {
    const moving = pods.filter(({ isThere }, at) => isThere !== shallBe(round, at))
    const replies = await Promise.all(
      moving.map(({ place, nic, containerID, isThere }) =>
        coordinate(isThere ? 'DEL' : 'ADD', place, nic, { containerID }),
      ),
    )
    for (const pod of moving) pod.isThere = !pod.isThere
    const refused = replies.filter(({ status }) => status !== 0).map(({ stdout }) => stdout)
    t.strictSame(refused, [], `round ${round}: ${moving.length} calls`)
    const there = pods.filter(({ isThere }) => isThere)
    t.equal(stateOf(node).rules.length, there.length > 0 ? 2 : 0, 'the rule is there once a family, or not at all')
    for (const { nic, place } of there)
      for (const address of [nic.v4, nic.v6]) {
        const ip = address?.replace(/\/\d+$/, '') ?? ''
        t.match(node.sh(`ip route get ${ip}`), /dev veth/, `${place.name} is reached by its veth`)
      }
  }
  t.equal(dumpOf(node), before)
})
