// Runs docs/podman.md on a real podman: its files, its commands, and the output that it shows.
import { writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { eventually } from '../fixtures/controller.js'
import { blocksOf, IMAGE, type Said } from '../fixtures/host.js'
import { asThePageSays, openPodman, type PodmanHost } from '../fixtures/podman.js'

/**
 * What differs between machines: container IDs, ages, host name, last byte of an address, columns.
 */
const same = (text: string): string =>
  text
    .replace(/\b[0-9a-f]{64}\b/g, 'ID')
    .replace(/\b172\.18\.40\.[1-4]\b/g, '172.18.40.N')
    .replace(/^(\S+ +lan +\S+ +\S+ +eth0 +)\S+ +\S+$/gm, '$1HOST AGE')
    .replace(/ +/g, ' ')
    .trim()

interface Shown {
  readonly command: string
  readonly prints: string
}

const commandsOf = (block: string): readonly Shown[] =>
  block
    .split(/^\$ /m)
    .slice(1)
    .map(text => ({ command: text.slice(0, text.indexOf('\n')), prints: text.slice(text.indexOf('\n') + 1) }))

const opened = await openPodman()
if ('lacks' in opened) {
  t.test('podman', { skip: `no podman can be had: ${opened.lacks}` }, t => t.end())
} else await suite(opened)

async function suite(host: PodmanHost): Promise<void> {
  t.teardown(() => host.close())
  asThePageSays(host)
  await host.startApiserver()

  t.test('docs/podman.md shows the real output', async t => {
    for (const { command, prints } of blocksOf('podman.md', 'console').flatMap(commandsOf)) {
      let got = ''
      const isRead = command.startsWith('kubectl get ') // counts of pools are written once a second
      const isSaid = async (): Promise<true | undefined> => {
        const { stdout, stderr } = await host.sh(host.here(command))
        got = same(`${stdout}${/level=/.test(stderr) ? '' : stderr}`)
        return got === same(prints) || !isRead ? true : undefined
      }
      await eventually(isSaid)
      t.equal(got, same(prints), command)
    }
  })

  const podman = (args: string): Promise<Said> => host.sh(`podman ${args}`)
  const start = async (name: string, args = '--network lan'): Promise<string> => {
    const { status, stderr } = await podman(`run -d --name ${name} ${args} ${IMAGE}`)
    if (status !== 0) throw new Error(stderr)
    return addressOf(name)
  }
  const addressOf = async (name: string, nic = 'eth0'): Promise<string> => {
    const { stdout } = await podman(`exec ${name} ip -4 -o addr show dev ${nic}`)
    return /inet ([0-9.]+)/.exec(stdout)?.[1] ?? ''
  }
  /** Addresses of the API server: `10.6.0.1 web`. */
  const held = async (): Promise<readonly string[]> => {
    const columns = 'NAME:.metadata.name,OF:.spec.owner.name,NIC:.spec.nic'
    const { stdout } = await host.sh(`kubectl get spideripaddresses --no-headers -o custom-columns=${columns}`)
    return stdout.split('\n').map(line => line.replace(/ +/g, ' ').trim()).filter(Boolean) // prettier-ignore
  }
  const removeAll = async (t: Test): Promise<void> => {
    await podman('rm -f -a -t 0')
    t.strictSame(await held(), [], 'nothing is left')
    t.equal((await host.sh('kubectl get spiderendpoints -o name')).stdout, '', 'and no record')
  }

  t.test('host, container and external network reach each other', async t => {
    const [a, b] = [await start('a'), await start('b')]
    t.not(a, b)
    t.equal((await podman(`exec a ping -c 1 -W 5 ${b}`)).status, 0, 'container to container')
    t.equal((await host.sh(`ping -c 1 -W 5 ${a}`)).status, 0, 'host to container')
    t.equal((await podman('exec a ping -c 1 -W 5 172.18.0.11')).status, 0, 'container to host')
    t.match(host.outside(`ping -c 1 -W 5 ${a}`), / 0% packet loss/, 'from the network')
    await removeAll(t)
  })

  t.test('ADD on a full pool names the holders, and succeeds after a release', async t => {
    await Promise.all(['a', 'b', 'c', 'd'].map(name => start(name)))
    const refused = await podman(`run -d --name e --network lan ${IMAGE}`)
    t.not(refused.status, 0)
    t.match(
      refused.stderr,
      /all IP addresses used out in pool lan \(4 in all, 4 taken, 0 reserved; most by Container default\/./,
    )
    const address = await addressOf('b')
    await podman('stop -t 0 b')
    t.equal((await podman('start e')).status, 0)
    t.equal(await addressOf('e'), address)
    t.not((await podman('start b')).status, 0, 'and then there is none for the one that ended')
    await removeAll(t)
  })

  t.test('a container that is restarted, or recreated under its name, keeps its address', async t => {
    const address = await start('web')
    await podman('restart -t 0 web')
    t.equal(await addressOf('web'), address, 'restart')
    await podman('stop -t 0 web')
    t.strictSame(await held(), [], 'while it is stopped others may have it')
    await podman('start web')
    t.equal(await addressOf('web'), address, 'stop, start')
    await podman('rm -f -t 0 web')
    t.equal(await start('web'), address, 'rm, run')
    await removeAll(t)
  })

  t.test('ADD allocates a requested address', async t => {
    t.equal(await start('a', '--network lan --ip 172.18.40.3'), '172.18.40.3')
    const twice = await podman(`run -d --name b --network lan --ip 172.18.40.3 ${IMAGE}`)
    t.match(twice.stderr, /IP=172\.18\.40\.3 of CNI_ARGS is held by Container a; name another address, or none/)
    const outside = await podman(`run -d --name c --network lan --ip 172.18.99.9 ${IMAGE}`)
    t.match(outside.stderr, /IP=172\.18\.99\.9 of CNI_ARGS is in no range of the pools of this network/)
    t.equal((await held()).length, 1)
    await removeAll(t)
  })

  t.test('a container on two networks gets two addresses, released separately', async t => {
    network('dmz', { default_ipv4_ippool: ['dmz'] })
    network('flat', {})
    await apply({ name: 'dmz', ips: ['172.18.41.1-172.18.41.20'] })
    await start('both', '--network flat --network dmz')
    // podman 4 names the interfaces in no fixed order.
    const lines = (await held()).map(line => line.replace(/^\S+40.\d/, 'lan').replace(/^\S+41.\d+/, 'dmz')).sort()
    const own = lines[0]?.split(' ')[2] ?? ''
    t.strictSame(lines, [`dmz both ${own}`, `lan both ${own === 'eth0' ? 'eth1' : 'eth0'}`])
    t.match(own, /^eth[01]$/)
    t.equal((await podman('network disconnect flat both')).status, 0)
    t.match(await held(), [new RegExp(`^172\\.18\\.41\\.\\d+ both ${own}$`)])
    const { stdout } = await host.sh(
      'kubectl get spiderendpoints -o jsonpath={.items[*].status.current.ips[*].interface}',
    )
    t.equal(stdout, own)
    await removeAll(t)
  })

  t.test('ten containers at once get ten addresses', async t => {
    const names = Array.from({ length: 10 }, (_, at) => `c${at}`)
    const addresses = await Promise.all(names.map(name => start(name, '--network dmz')))
    t.equal(new Set(addresses).size, 10)
    t.notOk(addresses.includes(''))
    await removeAll(t)
  })

  t.test('ADD rejects an invalid conf with key and value', async t => {
    network('bad', { owner: 'host' })
    t.match(
      (await podman(`run -d --name x --network bad ${IMAGE}`)).stderr,
      /ipam\.owner is "host"; it must be pod or container/,
    )
    network('bad', { owner: 'pod' })
    t.match(
      (await podman(`run -d --name y --network bad ${IMAGE}`)).stderr,
      /CNI_ARGS has no K8S_POD_NAMESPACE; .* set ipam\.owner to "container"/,
    )
    await removeAll(t)
  })

  t.test(
    'a start that is killed at any point keeps its address no longer than its network namespace lives',
    async t => {
      for (const ms of [60, 120, 180, 240, 320, 400]) {
        await host.killedAfter(ms, `exec podman run -d --name k${ms} --network lan ${IMAGE}`)
        await podman(`rm -f -t 0 k${ms}`)
      }
      // Killed at some points podman loses track of its processes and namespaces; a reboot removes
      // them.
      await host.sh('kill -9 -1; for netns in /run/netns/*; do umount $netns; rm -f $netns; done')
      const names = await Promise.all(['a', 'b', 'c', 'd'].map(name => start(name)))
      t.equal(new Set(names).size, 4, 'all of the pool can be had')
      await removeAll(t)
    },
  )

  t.test('without an API server ADD fails and DEL succeeds; its addresses are reclaimed later', async t => {
    await Promise.all(['a', 'b', 'c', 'd'].map(name => start(name)))
    await host.stopApiserver()
    const refused = await podman(`run -d --name e --network lan ${IMAGE}`)
    t.match(refused.stderr, /spiderpool IP allocation error: .*127\.0\.0\.1:6443/)
    t.equal((await podman('rm -f -t 0 a b')).status, 0)
    await host.startApiserver()
    t.equal((await held()).length, 4)
    t.not(await start('f'), '')
    t.equal((await held()).length, 3)
    await removeAll(t)
  })

  t.test('ADD on a full pool reclaims addresses of dead containers only', async t => {
    const kept = await start('kept')
    await Promise.all(['a', 'b', 'c'].map(name => start(name)))
    // As after a power loss: no runtime knows them, no process is in their namespaces, no DEL was
    // called.
    for (const name of ['a', 'b', 'c']) await lose(name)
    t.equal((await held()).length, 4)
    const next = await Promise.all(['d', 'e', 'f'].map(name => start(name)))
    t.equal(new Set([kept, ...next]).size, 4)
    t.equal((await podman(`exec kept ping -c 1 -W 5 ${next[0]}`)).status, 0)
    t.match((await podman(`run -d --name g --network lan ${IMAGE}`)).stderr, /all IP addresses used out in pool lan/)
    await podman('rm -f -t 0 kept d e f')
    t.strictSame(await held(), [], 'nothing is left')
    t.equal((await host.sh('kubectl get spiderendpoints -o name')).stdout, '', 'and no record')
  })

  function network(name: string, ipam: object): void {
    const own = JSON.parse(host.here(blocksOf('podman.md', 'json')[0] ?? '')) as { plugins: { ipam?: object }[] }
    const [main] = own.plugins
    const conf = { ...own, name, plugins: [{ ...main, ipam: { ...main?.ipam, ...ipam } }] } // and no coordinator
    writeFileSync(`${host.networks}/${name}.conflist`, JSON.stringify(conf))
  }

  async function apply({ name, ips }: { readonly name: string; readonly ips: readonly string[] }): Promise<void> {
    const spec = { subnet: '172.18.0.0/16', gateway: '172.18.0.1', ips }
    const pool = { apiVersion: 'spiderpool.spidernet.io/v2beta1', kind: 'SpiderIPPool', metadata: { name }, spec }
    const { status, stderr } = await host.sh(`echo '${JSON.stringify(pool)}' | kubectl apply -f -`)
    if (status !== 0) throw new Error(stderr)
  }

  /** The container with all that podman has of it, less the call of DEL. */
  async function lose(name: string): Promise<void> {
    const { stdout } = await podman(
      `inspect -f '{{.State.Pid}} {{.State.ConmonPid}} {{.NetworkSettings.SandboxKey}} {{.Id}}' ${name}`,
    )
    const [pid, conmon, netns] = stdout.trim().split(' ')
    const over = `while readlink /proc/${pid}/ns/net; do sleep 0.05; done`
    const { status, stderr } = await host.sh(`kill -9 ${conmon} ${pid}; ${over}; umount ${netns} && rm ${netns}`)
    if (status !== 0) throw new Error(stderr)
  }
}
