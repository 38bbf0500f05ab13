// kill -9 at every syscall with an effect of ADD and DEL; a retry or a DEL repairs the state.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { spawnSync } from 'node:child_process'
import t from 'tap'
import { startApiserver } from '../fixtures/apiserver.js'
import { containerId, openCluster, poolAnnotation, type PodRef } from '../fixtures/cluster.js'
import { cniEnv, runExecutable, type Reply } from '../fixtures/executable.js'

/**
 * Syscalls with an effect. Each group is swept on its own: strace counts per thread, and the API
 * client has threads.
 */
const EFFECTS = ['sendto,sendmsg', 'write,writev,pwrite64', 'setns', 'unlink,unlinkat,openat'] as const
const STEPS_MAX = 120

const sh = (...command: string[]): string => {
  const { status, stdout, stderr } = spawnSync(command[0] ?? '', command.slice(1), { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr}`)
  return stdout
}

const node = `kn${process.pid}`
const podNs = `kp${process.pid}`
const server = await startApiserver()
const cluster = openCluster(server.kubeconfig)
const folder = mkdtempSync(`${tmpdir()}/kill-`)
sh('ip', 'netns', 'add', node)
sh('ip', 'netns', 'add', podNs)
sh('ip', '-n', node, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'up0')
sh('ip', '-n', node, 'link', 'set', 'eth0', 'up')
sh('ip', '-n', node, 'link', 'set', 'up0', 'up')
sh('ip', '-n', node, 'link', 'set', 'lo', 'up')
t.teardown(async () => {
  sh('ip', 'netns', 'del', podNs)
  sh('ip', 'netns', 'del', node)
  rmSync(folder, { recursive: true })
  await server.stop()
})

const pool = `kill-${process.pid}`
await cluster.pool(pool, { subnet: '10.77.0.0/24', ips: ['10.77.0.10-10.77.0.60'] })

const conf = (type: string): string => {
  const ipam = { type: 'spiderpool', kubeconfig: server.kubeconfig, log_file_path: `${folder}/log` }
  return JSON.stringify({ cniVersion: '1.0.0', name: 'kill', type, master: 'eth0', ipam })
}

const call = (
  name: string,
  verb: string,
  pod: PodRef,
  containerID: string,
  under: readonly string[] = [],
): Promise<Reply> =>
  runExecutable({
    name,
    env: cniEnv({ verb, containerID, netns: `/run/netns/${podNs}`, pod }),
    stdin: conf(name),
    // The loopback API server is reached from here: the plugin enters the node's namespace by
    // itself.
    under: [...under],
  })

const kill = (effects: string, at: number): string[] => [
  'strace',
  '-f',
  '-qq',
  '-o',
  '/dev/null',
  '-e',
  `trace=${effects}`,
  '-e',
  `inject=${effects}:signal=KILL:when=${at}`,
]

let pods = 0
const newPod = (): Promise<PodRef> => cluster.pod(`kill-${process.pid}-${pods++}`, poolAnnotation(pool))

const heldBy = async ({ uid }: PodRef): Promise<string[]> =>
  (await cluster.addresses(pool)).filter(({ spec }) => spec.pod.uid === uid).map(({ spec }) => spec.address)

const linksInPod = (): string[] =>
  (JSON.parse(sh('ip', '-n', podNs, '-j', 'link', 'show')) as { ifname: string }[])
    .map(({ ifname }) => ifname)
    .filter(name => name !== 'lo')

const ipsOf = ({ json }: Reply): string[] =>
  ((json as { ips?: { address: string }[] }).ips ?? []).map(({ address }) => address)

/** True where the process ended by itself: the sweep has come past its last effect. */
const ended = ({ status }: Reply): boolean => status === 0

for (const effects of EFFECTS) {
  t.test(`ADD of spiderpool-ipam, killed at each ${effects}`, async t => {
    for (let at = 1; at <= STEPS_MAX; at++) {
      const pod = await newPod()
      const first = containerId()
      const reply = await call('spiderpool-ipam', 'ADD', pod, first, kill(effects, at))
      if (ended(reply)) {
        await cluster.removePod(pod)
        await call('spiderpool-ipam', 'DEL', pod, first)
        t.strictSame(await heldBy(pod), [])
        t.ok(at > 1 || effects === 'setns', `${at - 1} places`)
        return
      }
      t.equal(reply.stdout, '', `killed at ${at}: nothing on stdout`)
      if (at % 2 === 0) {
        // The kubelet's way: DEL of the sandbox that failed, ADD of another, pod alive.
        t.equal((await call('spiderpool-ipam', 'DEL', pod, first)).status, 0, `killed at ${at}: DEL`)
        const second = containerId()
        const again = await call('spiderpool-ipam', 'ADD', pod, second)
        t.strictSame(ipsOf(again), await heldBy(pod), `killed at ${at}: the retry has the one address that is held`)
        await cluster.removePod(pod)
        t.equal((await call('spiderpool-ipam', 'DEL', pod, second)).status, 0)
      } else {
        await cluster.removePod(pod)
        t.equal(
          (await call('spiderpool-ipam', 'DEL', pod, first)).status,
          0,
          `killed at ${at}: DEL of a pod that is gone`,
        )
      }
      t.strictSame(await heldBy(pod), [], `killed at ${at}: no address is left`)
    }
    t.fail(`still killed after ${STEPS_MAX} places`)
  })

  t.test(`DEL of spiderpool-ipam, killed at each ${effects}`, async t => {
    for (let at = 1; at <= STEPS_MAX; at++) {
      const pod = await newPod()
      const id = containerId()
      t.equal((await call('spiderpool-ipam', 'ADD', pod, id)).status, 0)
      await cluster.removePod(pod)
      const reply = await call('spiderpool-ipam', 'DEL', pod, id, kill(effects, at))
      if (!ended(reply))
        t.equal((await call('spiderpool-ipam', 'DEL', pod, id)).status, 0, `killed at ${at}: DEL again`)
      t.strictSame(await heldBy(pod), [], `killed at ${at}: no address is left`)
      if (ended(reply)) return
    }
    t.fail(`still killed after ${STEPS_MAX} places`)
  })
}

const inNode = (under: readonly string[]): string[] => ['nsenter', `--net=/run/netns/${node}`, ...under]
const L2 = JSON.stringify({ cniVersion: '1.0.0', name: 'kill', type: 'macvlan-wrapper', master: 'eth0' })

const macvlan = (verb: string, containerID: string, under: readonly string[] = []): Promise<Reply> =>
  runExecutable({
    name: 'macvlan-wrapper',
    env: cniEnv({ verb, containerID, netns: `/run/netns/${podNs}` }),
    stdin: L2,
    under: inNode(under),
  })

for (const effects of EFFECTS)
  t.test(`ADD and DEL of macvlan-wrapper, killed at each ${effects}`, async t => {
    for (const verb of ['ADD', 'DEL'] as const)
      for (let at = 1; ; at++) {
        const id = containerId()
        if (verb === 'DEL') t.equal((await macvlan('ADD', id)).status, 0)
        const reply = await macvlan(verb, id, kill(effects, at))
        if (!ended(reply) || verb === 'ADD')
          t.equal((await macvlan('DEL', id)).status, 0, `${verb} killed at ${at}: DEL`)
        t.strictSame(linksInPod(), [], `${verb} killed at ${at}: no link is left`)
        if (ended(reply)) break
        if (at > STEPS_MAX) return void t.fail(`still killed after ${STEPS_MAX} places`)
      }
  })
