// Debian sid's containerd (CNI 1.1.0, STATUS), driven by CRI as by a kubelet: sandboxes of pods.
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { eventually } from '../fixtures/controller.js'
import { criAt, type Cri } from '../fixtures/cri.js'
import { BIN } from '../fixtures/executable.js'
import { ended, openHost, type Host } from '../fixtures/host.js'

const API = '127.0.0.1:6443'
const CONFLIST = (kubeconfig: string): object => ({
  cniVersion: '1.1.0',
  name: 'lan',
  plugins: [
    { type: 'macvlan-wrapper', master: 'eth0', ipam: { type: 'spiderpool-ipam', kubeconfig, enableIPv6: false } },
    { type: 'coordinator', mode: 'underlay', overlayPodCIDR: ['10.244.0.0/16'], serviceCIDR: ['10.96.0.0/16'] },
  ],
})
const PLACES = 24

const opened = await openHost('containerd.sh', { CNI_PLUGINS: `${BIN}:/usr/lib/cni` })
if ('lacks' in opened) {
  t.test('containerd', { skip: `no containerd of Debian sid can be had: ${opened.lacks}` }, t => t.end())
} else await suite(opened)

async function suite(host: Host): Promise<void> {
  const { folder } = host
  const cri = criAt(`${folder}/sock`)
  t.teardown(async () => {
    cri.close()
    api.kill('SIGKILL')
    await host.close()
  })
  // The sandbox's `lo` is of Debian's plugins.
  const kubectl = (args: string): Promise<string> => said(host, `kubectl ${args}`)
  const apply = (object: object): Promise<string> => said(host, `echo '${JSON.stringify(object)}' | kubectl apply -f -`)
  let api = await startServer(host)
  await apply({
    apiVersion: 'spiderpool.spidernet.io/v2beta1',
    kind: 'SpiderIPPool',
    metadata: { name: 'lan' },
    spec: { subnet: '172.18.0.0/16', gateway: '172.18.0.1', ips: [`172.18.50.1-172.18.50.${PLACES}`], default: true },
  })
  writeFileSync(`${folder}/net.d/lan.conflist`, JSON.stringify(CONFLIST(`${folder}/data/kubeconfig`)))
  await startContainerd(host, cri)
  await said(host, `ctr -a ${folder}/sock -n k8s.io images import ${host.image}`)
  const links = (): Promise<string> => said(host, "ip -o link | sed 's/^[0-9]*: //; s/ .*//' | sort")
  const before = await links()

  /** Pods on this node; their UIDs. */
  const pods = async (names: readonly string[], annotations = {}): Promise<readonly string[]> => {
    const spec = { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }] }
    const items = names.map(name => ({
      ...{ apiVersion: 'v1', kind: 'Pod', spec },
      metadata: { name, namespace: 'default', annotations },
    }))
    await apply({ apiVersion: 'v1', kind: 'List', items })
    return (await kubectl(`get pods ${names.join(' ')} --no-headers -o custom-columns=U:.metadata.uid`))
      .trim()
      .split('\n')
  }
  const start = async (names: readonly string[], annotations = {}): Promise<readonly string[]> => {
    const uids = await pods(names, annotations)
    return Promise.all(names.map((name, at) => cri.run({ name, uid: uids[at] ?? '' })))
  }
  const held = async (): Promise<readonly string[]> =>
    (await kubectl('get spideripaddresses --no-headers -o custom-columns=N:.metadata.name')).split('\n').filter(Boolean)
  /** As the kubelet ends a pod that is being deleted: the sandbox first, the object last. */
  const end = async (t: Test): Promise<void> => {
    await kubectl('delete pods --all --wait=false --grace-period=30')
    const stopped = async (id: string): Promise<void> => {
      await cri.stop(id)
      await cri.stop(id)
      await cri.remove(id)
    }
    await Promise.all((await cri.list()).map(stopped))
    await kubectl('delete pods --all --grace-period=0 --force')
    t.strictSame(await held(), [], 'no address is left')
    t.equal(await links(), before, 'nor any link')
  }

  t.test('sandboxes get addresses of the pool and are reachable', async t => {
    const ids = await start(['a', 'b'])
    const ips = await Promise.all(ids.map(id => cri.ip(id)))
    t.strictSame([...(await held())].sort(), [...ips].sort())
    for (const ip of ips) {
      t.match(host.outside(`ping -c 1 -W 5 ${ip}`), / 0% packet loss/, 'from the network')
      t.match(await said(host, `ping -c 1 -W 5 ${ip}`), / 0% packet loss/, 'from the node')
    }
    await end(t)
  })

  t.test('STATUS without an API server makes the node NotReady, with the reason', async t => {
    t.strictSame(await cri.network(), { ready: true, why: '' })
    api.kill('SIGTERM')
    await ended(api)
    const away = await eventually(async () => ((await cri.network()).ready ? undefined : cri.network()))
    t.match(away?.why, /no address can be allocated: .*127\.0\.0\.1:6443/)
    api = await startServer(host)
    t.ok(await eventually(async () => ((await cri.network()).ready ? true : undefined)), 'and by itself it is again')
  })

  t.test('twenty sandboxes at once get twenty addresses', async t => {
    const ids = await start(Array.from({ length: 20 }, (_, at) => `p${at}`))
    t.equal(new Set(await Promise.all(ids.map(id => cri.ip(id)))).size, 20)
    await end(t)
  })

  t.test('the runtime reports the sentence of a failed ADD', async t => {
    const bad = start(['bad'], { 'ipam.spidernet.io/ippool': '{"ipv4":["no-such-pool"]}' })
    await t.rejects(bad, {
      message: /annotation ipam\.spidernet\.io\/ippool .*SpiderIPPool "no-such-pool", which does not exist/,
    })
    const taken = `172.18.50.1-172.18.50.${PLACES}`
    const reserved = {
      apiVersion: 'spiderpool.spidernet.io/v2beta1',
      kind: 'SpiderReservedIP',
      metadata: { name: 'all' },
    }
    await apply({ ...reserved, spec: { ips: [taken] } })
    await t.rejects(start(['late']), {
      message: /all IP addresses used out in pool lan \(24 in all, 0 taken, 24 reserved\)/,
    })
    await kubectl('delete spiderreservedip all')
    await end(t)
  })

  t.test('containerd killed while sandboxes start leaks no address', async t => {
    const controller = host.start(['env', `KUBECONFIG=${folder}/data/kubeconfig`, ...CONTROLLER])
    t.teardown(() => controller.kill('SIGKILL'))
    for (const ms of [80, 250, 500]) {
      const names = [`x${ms}`, `y${ms}`, `z${ms}`]
      const uids = await pods(names)
      const starts = Promise.allSettled(names.map((name, at) => cri.run({ name, uid: uids[at] ?? '' })))
      await new Promise(resolve => setTimeout(resolve, ms))
      await said(host, 'pkill -9 -x containerd')
      await starts
      await startContainerd(host, cri)
    }
    await kubectl('delete pods --all --grace-period=0 --force')
    await Promise.all((await cri.list()).map(id => cri.stop(id).then(() => cri.remove(id))))
    const isFree = await eventually(async () => ((await held()).length === 0 ? true : undefined), 60_000)
    t.ok(isFree, 'what no sandbox gave back is reclaimed')
  })
}

const CONTROLLER = [
  ...['SPIDERPOOL_POD_NAME=a', 'SPIDERPOOL_BIND_ADDRESS=127.0.0.1', 'SPIDERPOOL_HEALTH_PORT=0'],
  ...['SPIDERPOOL_METRIC_HTTP_PORT=0', 'SPIDERPOOL_WEBHOOK_PORT=0', 'SPIDERPOOL_GC_UNRECORDED_GRACE=5'],
  `${BIN}/spiderpool-controller`,
]

async function said(host: Host, command: string): Promise<string> {
  const { status, stdout, stderr } = await host.sh(command)
  if (status !== 0) throw new Error(`${command}: ${stderr}`)
  return stdout
}

async function startServer(host: Host): Promise<ReturnType<typeof spawn>> {
  const data = `${host.folder}/data`
  const flags = ['--data-dir', data, '--kubeconfig', `${data}/kubeconfig`, '--listen', API]
  const server = host.start([`${BIN}/spiderpool-apiserver`, ...flags])
  await new Promise(resolve => server.stdout?.once('data', resolve))
  return server
}

/** Started as a daemon is, so that it can be killed alone; ready when it answers. */
async function startContainerd({ folder, sh }: Host, cri: Cri): Promise<void> {
  await sh(`containerd -c ${folder}/containerd.toml >>${folder}/log 2>&1 &`)
  const isUp = await eventually(
    () =>
      cri.list().then(
        () => true,
        () => undefined,
      ),
    60_000,
  )
  if (isUp !== true) throw new Error(`containerd does not answer: ${(await sh(`tail -n 5 ${folder}/log`)).stdout}`)
}
