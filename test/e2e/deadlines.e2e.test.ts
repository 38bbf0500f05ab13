// A call ends within the deadline of its conf, at each stage of a request, for each verb.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import t from 'tap'
import { startApiserver } from '../fixtures/apiserver.js'
import { containerId, openCluster, poolAnnotation } from '../fixtures/cluster.js'
import { cniEnv, runExecutable } from '../fixtures/executable.js'
import { nicOf, openCoordination, resultFor } from '../fixtures/coordination.js'
import { on } from '../fixtures/faults.js'
import { startFaulty } from '../fixtures/faulty-apiserver.js'
import { openNetwork } from '../fixtures/netns.js'

const folder = mkdtempSync(`${tmpdir()}/deadlines-`)
const network = openNetwork()
const coordination = openCoordination()
const listeners: Server[] = []
const sockets = new Set<Socket>()
t.teardown(() => {
  for (const socket of sockets) socket.destroy()
  for (const server of listeners) server.close()
  network.close()
  coordination.close()
  rmSync(folder, { recursive: true })
})

/** A unix socket: the executables run in another network namespace. */
async function listen(name: string, server: Server): Promise<string> {
  server.on('connection', socket => {
    sockets.add(socket)
    socket.on('error', () => undefined)
  })
  await new Promise<void>(ready => server.listen(`${folder}/${name}.sock`, ready))
  listeners.push(server)
  return `unix://${folder}/${name}.sock`
}
const http = (name: string, answer: RequestListener): Promise<string> => listen(name, createHttpServer(answer))

/** A port of this namespace's loopback, for what is asked from here. */
async function port(server: Server): Promise<number> {
  server.on('connection', socket => void sockets.add(socket.on('error', () => undefined)))
  await new Promise<void>(ready => server.listen(0, '127.0.0.1', ready))
  listeners.push(server)
  return (server.address() as AddressInfo).port
}

const HEAD = { 'content-type': 'application/json' }
const trickle: RequestListener = (_, response) => {
  response.writeHead(200, HEAD)
  response.write('{')
  const timer = setInterval(() => response.write(' '), 100)
  response.on('close', () => clearInterval(timer))
}
const cut: RequestListener = (_, response) => {
  response.writeHead(200, { ...HEAD, 'content-length': '5000' })
  response.write('{"kind":"Pod","metadata":{"na')
}
const busy: RequestListener = (_, response) => {
  response.writeHead(503, { ...HEAD, 'retry-after': '1' })
  response.end(JSON.stringify({ kind: 'Status', code: 503, reason: 'ServiceUnavailable', message: 'come back' }))
}

/** No host has this address: packets leave and no answer comes. */
const HOLE = '10.255.255.1'
for (const { node } of [network, coordination])
  node.sh(`ip route add ${HOLE}/32 dev eth0; ip neigh add ${HOLE} lladdr 02:00:00:00:00:99 dev eth0 nud permanent`)

const silent = await port(createServer(() => undefined))

interface Stage {
  readonly name: string
  readonly server: string
  readonly user?: object
  readonly says: RegExp
  /** Asked from the namespace of the test: over loopback. */
  readonly isHere?: boolean
}
const stages: readonly Stage[] = [
  {
    name: 'connecting, https',
    server: `https://${HOLE}:6443`,
    says: /nothing at all came back in \d+ ms; is it the right address/,
  },
  { name: 'connecting, http', server: `http://${HOLE}:6443`, says: /nothing at all came back/ },
  { name: 'the TLS handshake', server: `https://127.0.0.1:${silent}`, isHere: true, says: /nothing at all came back/ },
  { name: 'the head', server: await http('head', () => undefined), says: /nothing at all came back/ },
  {
    name: 'the body',
    server: await http('body', cut),
    says: /(no whole answer came|nothing at all came back) in \d+ ms/,
  },
  {
    name: 'a body without end',
    server: await http('trickle', trickle),
    says: /(no whole answer came|nothing at all came back) in \d+ ms/,
  },
  { name: 'a server that is busy', server: await http('busy', busy), says: /come back/ },
  {
    name: 'a credential plugin',
    server: await http('exec', () => undefined),
    user: { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: '/bin/sleep', args: ['30'] } },
    says: /exec of user "u" ran \/bin\/sleep, which ended with -1: (it had not ended after \d+ ms|no time was left for it)/,
  },
]

const kubeconfigOf = ({ name, server, user = { token: 't' } }: Stage): string => {
  const file = `${folder}/${name.replaceAll(' ', '-')}`
  writeFileSync(
    file,
    JSON.stringify({
      'current-context': 'c',
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      clusters: [{ name: 'c', cluster: { server } }],
      users: [{ name: 'u', user }],
    }),
  )
  return file
}

const SECONDS = 1
/** Start, end and a machine that is busy. */
const SLACK_MS = 2_500
const timeouts = { add: SECONDS, del: SECONDS, check: SECONDS, status: SECONDS }
const pod = { K8S_POD_NAMESPACE: 'default', K8S_POD_NAME: 'p' }
const args = Object.entries({ IgnoreUnknown: '1', ...pod })
  .map(pair => pair.join('='))
  .join(';')

for (const stage of stages) {
  const kubeconfig = kubeconfigOf(stage)
  const isExec = stage.user !== undefined
  const over = (verb: string, key: string): RegExp =>
    new RegExp(`${stage.says.source}.*; the 1 s of this ${verb} \\(${key}\\.${verb.toLowerCase()}\\) are over$`)
  t.test(`no verb waits longer than its deadline: ${stage.name}`, async t => {
    for (const verb of ['ADD', 'CHECK', 'STATUS', 'DEL']) {
      const place = network.pod()
      const log = `${folder}/${verb}.log`
      const ipam = { type: 'spiderpool', kubeconfig, log_file_path: log, timeouts }
      const conf = { cniVersion: '1.1.0', name: 'n', type: 'macvlan-wrapper', master: 'eth0', ipam }
      const prevResult = { cniVersion: '1.1.0', interfaces: [{ name: 'eth0', sandbox: place.path }], ips: [] }
      const name = verb === 'CHECK' || stage.isHere === true ? 'spiderpool-ipam' : 'macvlan-wrapper'
      const before = performance.now()
      const whole = { ...conf, ...(verb === 'CHECK' && { prevResult }) }
      const env = { ...cniEnv({ verb, containerID: 'c1', netns: place.path }), CNI_ARGS: args }
      const { status, json, stdout } = await (stage.isHere === true
        ? runExecutable({ name, env, stdin: JSON.stringify(whole) })
        : network.call({ verb, name, pod: place, env: { CNI_ARGS: args }, conf: whole }))
      const ms = performance.now() - before
      t.ok(ms < SECONDS * 1000 + SLACK_MS, `${verb} took ${Math.round(ms)} ms`)
      const code = verb === 'STATUS' ? 50 : isExec ? 7 : 11
      if (verb === 'DEL') {
        t.equal(status, 0, 'DEL lets the pod go')
        t.match(readFileSync(log, 'utf8').trim().split('\n').at(-1), /"msg":"spiderpool IP release error"/)
      } else t.match(json, { code, msg: over(verb, 'ipam.timeouts') }, stdout)
      t.strictSame(place.links(), [], 'no link is left')
    }
  })
  if (stage.isHere !== true)
    t.test(`the coordinator waits no longer than its deadline: ${stage.name}`, async t => {
      const pod = coordination.pod()
      const nic = nicOf('eth0', 6)
      for (const verb of ['ADD', 'CHECK', 'STATUS']) {
        const before = performance.now()
        const { json, stdout } = await coordination.coordinate(verb, pod, nic, {
          conf: {
            cniVersion: '1.1.0',
            mode: '',
            overlayPodCIDR: [],
            serviceCIDR: [],
            hijackCIDR: [],
            kubeconfig,
            timeouts,
          },
          prevResult: { ...resultFor(nic, pod.path), cniVersion: '1.1.0' },
        })
        const ms = performance.now() - before
        t.ok(ms < SECONDS * 1000 + SLACK_MS, `${verb} took ${Math.round(ms)} ms`)
        t.match(json, { code: verb === 'STATUS' ? 50 : isExec ? 7 : 11, msg: over(verb, 'timeouts') }, stdout)
      }
    })
}

const server = await startApiserver({ args: ['--no-embedded-controller'] })
t.teardown(() => server.stop())
const cluster = openCluster(server.kubeconfig)
const POOL = `deadlines-${process.pid}`
await cluster.pool(POOL, { subnet: '10.72.0.0/16', ips: ['10.72.1.0-10.72.1.255'] })

const WRITES: Readonly<Record<string, RegExp>> = {
  'the creation of the address': /\/spideripaddresses$/,
  'the creation of the record': /\/spiderendpoints$/,
}
for (const [name, path] of Object.entries(WRITES))
  for (const verbs of [['ADD', 'DEL'], ['ADD']])
    t.test(`an ADD whose deadline ends in ${name} leaks no address: ${verbs.join(', ')}`, async t => {
      const faulty = await startFaulty(server.kubeconfig)
      t.teardown(() => faulty.stop())
      const pod = await cluster.pod(`deadline-${process.pid}-${containerId()}`, poolAnnotation(POOL))
      const containerID = containerId()
      const place = network.pod()
      const ipam = { type: 'spiderpool', kubeconfig: faulty.kubeconfig, log_file_path: `${folder}/late.log`, timeouts }
      const call = (verb: string) =>
        runExecutable({
          name: 'spiderpool-ipam',
          env: cniEnv({ verb, containerID, netns: place.path, pod }),
          stdin: JSON.stringify({ cniVersion: '1.0.0', name: 'late', type: 'any', ipam }),
        })
      const held = async (): Promise<readonly string[]> =>
        (await cluster.addresses(POOL)).filter(({ spec }) => spec.pod.uid === pod.uid).map(({ spec }) => spec.address)
      faulty.judge = on(({ method, path: asked }) => method === 'POST' && path.test(asked), { kind: 'silentAfter' })
      const before = performance.now()
      const { json } = await call('ADD')
      t.ok(performance.now() - before < SECONDS * 1000 + SLACK_MS)
      t.match(json, { code: 11, msg: /\(ipam\.timeouts\.add\) are over$/ })
      faulty.judge = () => undefined
      const left = await held()
      t.equal(left.length, 1, 'it was carried out, and no time was left to take it back')
      if (verbs.includes('DEL')) {
        t.equal((await call('DEL')).status, 0)
        // A record that was made in time keeps the address of a pod that lives; nothing else does.
        t.strictSame(await held(), name.includes('record') ? left : [])
      } else {
        const { json: again } = await call('ADD')
        t.match(again, { ips: [{ address: left[0] }] }, 'the next ADD takes what is its own')
      }
      await cluster.removePod(pod)
      t.equal((await call('DEL')).status, 0)
      t.strictSame(await held(), [])
    })
