// Confs of a user who may write network definitions but is not root: nothing is run or written.
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs'
import { symlinkSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import t, { type Test } from 'tap'
import { BIN, cniEnv, runExecutable, type Reply } from '../fixtures/executable.js'
import { openNetwork } from '../fixtures/netns.js'

const NOBODY_UID = 65534
/** Of the administrator: the folders below are open to confs. */
const open = mkdtempSync(`${tmpdir()}/node-`)
/** Of a pod: everything in it is the attacker's, also what root in the pod wrote. */
const pod = mkdtempSync(`${tmpdir()}/emptydir-`)
chmodSync(pod, 0o777)
chownSync(pod, NOBODY_UID, NOBODY_UID)
t.teardown(() => {
  for (const folder of [open, pod]) rmSync(folder, { recursive: true })
})

const file = (path: string, content: string, { uid = 0, mode = 0o600 } = {}): string => {
  writeFileSync(path, content)
  chownSync(path, uid, uid)
  chmodSync(path, mode)
  return path
}
const ran = `${pod}/ran`
let connections = 0
const listener = createServer(socket => {
  connections++
  socket.destroy()
})
await new Promise<void>(ready => listener.listen(0, '127.0.0.1', ready))
t.teardown(() => void listener.close())
const server = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`

const kubeconfig = (user: object): string =>
  JSON.stringify({
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server } }],
    users: [{ name: 'u', user }],
  })
const EXEC = kubeconfig({
  exec: {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: '/bin/sh',
    args: ['-c', `id >${ran}`],
  },
})
const secret = file(`${open}/secret`, 'root-only')
const TOKEN = kubeconfig({ tokenFile: secret })

mkdirSync(`${open}/k`, { mode: 0o755 })
mkdirSync(`${open}/log`, { mode: 0o755 })
mkdirSync(`${open}/k/theirs`)
chownSync(`${open}/k/theirs`, NOBODY_UID, NOBODY_UID)
const node = file(
  `${open}/node.json`,
  JSON.stringify({ kubeconfigFolders: [`${open}/k`], logFolders: [`${open}/log`] }),
)
const elsewhere = file(`${pod}/root`, EXEC)
symlinkSync(elsewhere, `${open}/k/link`)
symlinkSync(pod, `${open}/k/folder`)
symlinkSync(`${pod}/later`, `${open}/k/dangling`)
file(`${open}/k/good`, TOKEN)
symlinkSync(`${open}/k/good`, `${pod}/good`)

const OUTSIDE = / is "[^"]+"; a conf may only name a file under \S+ or a folder of \w+ in \S+ \(docs\/security\.md\)$/
const OWNER = /, and \S+ is owned by UID 65534; it must be root's$/
const MODE = /, and it has mode 0[67]66; only its owner may have the right to write \(chmod go-w\)$/

interface Named {
  readonly name: string
  readonly path: string
  readonly says: RegExp
}

const KUBECONFIGS: readonly Named[] = [
  { name: 'of a pod, owned by UID 65534', path: file(`${pod}/exec`, EXEC, { uid: NOBODY_UID }), says: OUTSIDE },
  { name: 'of a pod, written by its root', path: elsewhere, says: OUTSIDE },
  { name: 'of a pod, with a token file of root', path: file(`${pod}/token`, TOKEN), says: OUTSIDE },
  { name: 'that is not there, outside', path: '/root/none', says: OUTSIDE },
  { name: 'of a relative path', path: 'k/good', says: OUTSIDE },
  { name: 'through ..', path: `${open}/k/../../${pod.slice(pod.lastIndexOf('/') + 1)}/root`, says: OUTSIDE },
  { name: 'that is not there', path: `${open}/k/none`, says: /, and there is no such file$/ },
  { name: 'through a link that leads nowhere', path: `${open}/k/dangling`, says: /, and there is no such file$/ },
  { name: 'through a link', path: `${open}/k/link`, says: OUTSIDE },
  { name: 'through a folder that is a link', path: `${open}/k/folder/root`, says: OUTSIDE },
  { name: 'owned by UID 65534', path: file(`${open}/k/uid-65534`, EXEC, { uid: NOBODY_UID }), says: OWNER },
  { name: 'in a folder of UID 65534', path: file(`${open}/k/theirs/config`, EXEC), says: OWNER },
  { name: 'that others may write', path: file(`${open}/k/writable`, EXEC, { mode: 0o666 }), says: MODE },
  { name: 'that is a folder', path: `${open}/k/theirs`, says: /is not a regular file$/ },
]

const noPod = { namespace: 'default', name: 'no-such-pod' }
const call = (name: string, verb: string, conf: object, env: object = {}): Promise<Reply> =>
  runExecutable({
    name,
    env: {
      ...cniEnv({ verb, containerID: 'attacked', netns: '/run/netns/none', pod: noPod }),
      SPIDERPOOL_NODE_CONFIG: node,
      ...env,
    },
    stdin: JSON.stringify({ cniVersion: '1.1.0', name: 'n', ...conf }),
  })
const LOG = { log_file_path: `${open}/log/ipam.log` }
const result = { cniVersion: '1.1.0', interfaces: [{ name: 'eth0', sandbox: '/x' }], ips: [] }

function nothingDone(test: Test, reply: Reply): void {
  test.notOk(String((reply.json as { msg?: string } | undefined)?.msg).includes('\n'), 'one sentence')
  test.notOk(existsSync(ran), 'nothing was run')
  test.equal(connections, 0, 'nothing was sent')
}

const BY_ENVIRONMENT = KUBECONFIGS.filter(({ says }) => [OWNER, MODE].includes(says))
const listed = BY_ENVIRONMENT.map(({ name, path, says }) => ({ name, path: `${open}/k/good:${path}`, says }))
for (const { name, path, says } of [...BY_ENVIRONMENT, ...listed])
  t.test(`ADD rejects KUBECONFIG with a file ${name}${path.includes(':') ? ', the second of two' : ''}`, async t => {
    const env = { KUBECONFIG: path }
    for (const verb of ['ADD', 'STATUS', 'DEL']) {
      const reply = await call('spiderpool-ipam', verb, { type: 'x', ipam: { type: 'spiderpool', ...LOG } }, env)
      if (verb === 'DEL') t.equal(reply.status, 0, 'DEL goes on')
      else t.match(reply, { status: 1, json: { code: verb === 'STATUS' ? 50 : 7, msg: says } }, verb)
      if (verb === 'ADD') t.match(reply.json, { msg: /KUBECONFIG is "/ })
      nothingDone(t, reply)
    }
  })

/** The installed file, in an /etc of this process's own. */
const INSTALLED = '/etc/cni/net.d/spiderpool.d/spiderpool.kubeconfig'
for (const [name, change, says] of [
  ['owned by UID 65534', `chown ${NOBODY_UID} ${INSTALLED}`, /it is owned by UID 65534; it must be root's/],
  ['that others may write', `chmod 666 ${INSTALLED}`, /it has mode 0666; only its owner may have the right to write/],
  ['in a folder of UID 65534', `chown ${NOBODY_UID} /etc/cni/net.d`, /\/etc\/cni\/net\.d is owned by UID 65534/],
] as const)
  t.test(`ADD rejects an installed kubeconfig ${name}`, async t => {
    const source = file(`${open}/installed`, EXEC)
    const script = `mount -t tmpfs t /etc && mkdir -p ${INSTALLED.replace(/\/[^/]*$/, '')} && cp ${source} ${INSTALLED} && ${change} && exec ${BIN}/spiderpool-ipam`
    const { status, stdout } = spawnSync('unshare', ['-m', 'sh', '-c', script], {
      encoding: 'utf8',
      env: {
        PATH: process.env['PATH'],
        ...cniEnv({ verb: 'ADD', containerID: 'x', netns: '/run/netns/none', pod: noPod }),
      },
      input: JSON.stringify({ cniVersion: '1.1.0', name: 'n', type: 'x', ipam: { type: 'spiderpool' } }),
    })
    t.equal(status, 1)
    t.match(JSON.parse(stdout), { code: 7, msg: says })
    t.match(stdout, /the installed kubeconfig is /)
    t.notOk(existsSync(ran), 'nothing was run')
  })

for (const { name, path, says } of KUBECONFIGS)
  t.test(`ADD rejects a kubeconfig ${name}`, async t => {
    const ipam = { type: 'spiderpool', kubeconfig: path, ...LOG }
    for (const verb of ['ADD', 'CHECK', 'STATUS', 'DEL']) {
      const reply = await call('spiderpool-ipam', verb, { type: 'x', ipam, prevResult: result })
      const code = verb === 'STATUS' ? 50 : 7
      if (verb === 'DEL') t.equal(reply.status, 0, 'DEL goes on')
      else t.match(reply, { status: 1, json: { code, msg: says } }, verb)
      nothingDone(t, reply)
    }
    for (const [conf, key] of [
      [{ kubeconfig: path }, /: kubeconfig is|^kubeconfig is/],
      [{ ipam: { kubeconfig: path } }, /ipam\.kubeconfig is/],
    ] as const) {
      const more = { type: 'coordinator', logOptions: { logFile: `${open}/log/c.log` }, prevResult: result }
      const reply = await call('coordinator', 'ADD', { ...more, ...conf })
      t.match(reply, { status: 1, json: { code: 7, msg: says } }, reply.stdout)
      t.match((reply.json as { msg: string }).msg, key)
      nothingDone(t, reply)
    }
  })

t.test('ADD uses a kubeconfig of root in a folder of node.json, also through a symbolic link', async t => {
  for (const path of [`${open}/k/good`, `${pod}/good`]) {
    const before = connections
    const ipam = { type: 'spiderpool', kubeconfig: path, ...LOG, timeouts: { status: 1 } }
    const { json } = await call('spiderpool-ipam', 'STATUS', { type: 'x', ipam })
    t.match(json, { code: 50, msg: /^no address can be allocated: .*127\.0\.0\.1/ })
    t.ok(connections > before)
  }
  connections = 0
})

t.test('ADD rejects a node.json that is invalid or not owned by root', async t => {
  const ipam = { type: 'spiderpool', kubeconfig: `${open}/k/good` }
  for (const [name, content, options, msg] of [
    [
      'UID 65534',
      '{}',
      { uid: NOBODY_UID },
      /is owned by UID 65534; it must be root's; the administrator of this node/,
    ],
    ['writable', '{}', { mode: 0o666 }, /has mode 0666/],
    ['garbage', '{,', {}, /cannot be read/],
    ['list', '{"kubeconfigFolders":"/"}', {}, /has kubeconfigFolders "\/"; it must be a list of absolute paths/],
    ['all', '{"kubeconfigFolders":["/"]}', {}, /has kubeconfigFolders \["\/"\]; it must be a list/],
    [
      'typo',
      '{"kubeconfigFolder":[]}',
      {},
      /has the key "kubeconfigFolder"; it may have kubeconfigFolders, logFolders, socketFolders/,
    ],
    ['none', '{}', {}, OUTSIDE],
  ] as const) {
    const named = file(`${open}/${name}.json`, content, options)
    const { json } = await call('spiderpool-ipam', 'ADD', { type: 'x', ipam }, { SPIDERPOOL_NODE_CONFIG: named })
    t.match(json, { code: 7, msg }, name)
  }
  t.equal(connections, 0)
})

const MB = 1024 * 1024
const db = file(`${pod}/db`, 'x'.repeat(2 * MB), { mode: 0o644 })

interface Writer {
  readonly name: string
  readonly verbs: readonly string[]
  readonly conf: (path: string) => object
}
const options = (logFile: string): object => ({ logFile, logMaxSize: 1 })
const WRITERS: readonly Writer[] = [
  {
    name: 'spiderpool-ipam',
    verbs: ['ADD', 'CHECK', 'STATUS'],
    conf: log_file_path => ({
      ...{ type: 'x', prevResult: result },
      ipam: { type: 'spiderpool', log_file_path, log_file_max_size: 1 },
    }),
  },
  {
    name: 'coordinator',
    verbs: ['ADD', 'STATUS'],
    conf: logFile => ({
      ...{ type: 'coordinator', mode: 'underlay', overlayPodCIDR: ['10.1.0.0/16'], serviceCIDR: ['10.2.0.0/16'] },
      ...{ logOptions: options(logFile), prevResult: result },
    }),
  },
  {
    name: 'ifacer',
    verbs: ['ADD', 'STATUS'],
    conf: logFile => ({ type: 'ifacer', interfaces: ['none0'], vlanID: 5, logOptions: options(logFile) }),
  },
]
const KUBECONFIG = '/nowhere'

t.test('ADD rejects a log outside the folders of node.json; DEL continues without a log', async t => {
  for (const { name, verbs, conf } of WRITERS)
    for (const path of [db, 'log', `${open}/log/../../${pod.slice(pod.lastIndexOf('/') + 1)}/db`, '/etc/passwd-']) {
      for (const verb of verbs) {
        const { json, status } = await call(name, verb, conf(path), { KUBECONFIG })
        t.match({ json, status }, { status: 1, json: { code: 7, msg: OUTSIDE } }, `${name} ${verb} ${path}`)
      }
      t.equal((await call(name, 'DEL', conf(path), { KUBECONFIG })).status, 0, `${name} DEL ${path}`)
    }
  t.strictSame(
    readdirSync(pod).filter(one => one.startsWith('db')),
    ['db'],
    'nothing was renamed',
  )
  t.equal(readFileSync(db, 'utf8').length, 2 * MB, 'nothing was written')
})

t.test('ADD writes no log through a symlink, a pipe or a foreign directory, and continues', async t => {
  const log = `${open}/log`
  symlinkSync(db, `${log}/link.log`)
  symlinkSync(`${pod}/new`, `${log}/dangling.log`)
  symlinkSync(pod, `${log}/folder`)
  linkSync(db, `${log}/hard.log`)
  mkdirSync(`${log}/theirs`)
  chownSync(`${log}/theirs`, NOBODY_UID, NOBODY_UID)
  file(`${log}/theirs.log`, 'x'.repeat(2 * MB), { uid: NOBODY_UID })
  spawnSync('mkfifo', [`${log}/pipe.log`])
  const names = [
    'link.log',
    'dangling.log',
    'folder/db',
    'folder/new',
    'hard.log',
    'theirs/a.log',
    'theirs.log',
    'pipe.log',
  ]
  const before = readdirSync(log).sort()
  for (const { name, conf } of WRITERS)
    for (const one of names) {
      const { json } = await call(name, 'ADD', conf(`${log}/${one}`), { KUBECONFIG })
      t.notMatch(json, { msg: OUTSIDE }, `${name} ${one}`)
      t.equal((await call(name, 'DEL', conf(`${log}/${one}`), { KUBECONFIG })).status, 0)
    }
  t.strictSame(
    readdirSync(log)
      .sort()
      .filter(one => !/^(c|ipam)\.log$/.test(one)),
    before.filter(one => !/^(c|ipam)\.log$/.test(one)),
  )
  t.equal(readFileSync(db, 'utf8').length, 2 * MB)
  t.notOk(existsSync(`${pod}/new`))
  t.strictSame(readdirSync(`${log}/theirs`), [])
  const good = `${log}/deep/er/good.log`
  await call('spiderpool-ipam', 'DEL', WRITERS[0]?.conf(good) ?? {}, { KUBECONFIG })
  t.match(readFileSync(good, 'utf8'), /"spiderpool IP release error"/, 'a log that may be is written, its folders made')
})

t.test('ADD rejects an ipam.type that is a path', async t => {
  const network = openNetwork()
  t.teardown(() => network.close())
  const place = network.pod()
  file(`${pod}/evil`, `#!/bin/sh\nid >${ran}\n`, { mode: 0o755 })
  const up = '../'.repeat(12).slice(0, -1)
  for (const type of [`${up}${pod}/evil`, `${pod}/evil`, './evil', '..', '.'])
    for (const verb of ['ADD', 'DEL', 'CHECK', 'STATUS']) {
      const conf = { cniVersion: '1.1.0', name: 'n', type: 'macvlan-wrapper', master: 'eth0', ipam: { type } }
      const made = { ...result, interfaces: [{ name: 'eth0', sandbox: place.path }] }
      const { json, status } = await network.call({ verb, conf: { ...conf, prevResult: made }, pod: place })
      t.equal(status, 1)
      t.match(json, { msg: type.includes('/') ? `invalid plugin name: ${type}` : /failed to find plugin/ })
    }
  t.notOk(existsSync(ran), 'nothing was run')
  t.strictSame(place.links(), [])
})

t.test('ADD rejects a podDefaultCniNic that is a path', async t => {
  const conf = { type: 'coordinator', mode: 'underlay', overlayPodCIDR: ['10.1.0.0/16'], serviceCIDR: ['10.2.0.0/16'] }
  for (const podDefaultCniNic of ['../../ipv4', '.', 'a b', 'longer-than-15-bytes'])
    t.match((await call('coordinator', 'ADD', { ...conf, podDefaultCniNic, prevResult: result })).json, {
      code: 7,
      msg: `podDefaultCniNic is "${podDefaultCniNic}"; it must be the name of an interface, such as eth0`,
    })
})
