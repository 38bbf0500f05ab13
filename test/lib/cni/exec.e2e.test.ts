// Delegation for real: Bun starts Debian's host-local and static, and scripts that fail in every
// way.
import { spawn } from 'node:child_process'
import { chmodSync, closeSync, copyFileSync, openSync, readdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { cniEnv } from '../../fixtures/executable.js'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const REFERENCES = '/usr/lib/cni'
const folder = t.testdir({ leases: {} })

interface CallOutcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
  readonly json: unknown
}

type Conf = Readonly<Record<string, unknown>> & { readonly ipam: object }

function call(verb: string, conf: Conf, env: Readonly<Record<string, string>> = {}): Promise<CallOutcome> {
  const of = cniEnv({ verb, containerID: 'c1', netns: '/nowhere/netns', path: `${folder}:${REFERENCES}` })
  const child = spawn(`${ROOT}/scripts/bun.sh`, [`${ROOT}/test/fixtures/delegating.ts`], {
    env: { PATH: process.env['PATH'], ...of, ...env },
    timeout: 30_000,
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  child.stdin.end(JSON.stringify({ cniVersion: '1.0.0', name: 'net', type: 'delegating', ...conf }))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', status => {
      const json = stdout === '' ? undefined : (JSON.parse(stdout) as unknown)
      resolve({ status, stdout, stderr, json })
    })
  })
}

const script = (name: string, text: string, mode = 0o755): void => {
  writeFileSync(`${folder}/${name}`, `#!/bin/sh\n${text}\n`)
  chmodSync(`${folder}/${name}`, mode)
}

const NOTHING = { status: 0, stdout: '', stderr: '', json: undefined }
const hostLocal = (range: object): Conf => ({
  ipam: { type: 'host-local', dataDir: `${folder}/leases`, ranges: [[{ subnet: '10.9.0.0/24', ...range }]] },
})

t.test('delegate() of host-local: ADD, CHECK, DEL, twice', async t => {
  const conf = hostLocal({ rangeStart: '10.9.0.5' })
  const leases = (): string[] => readdirSync(`${folder}/leases/net`).filter(name => /^\d/.test(name))
  const added = await call('ADD', conf)
  t.strictSame(added.json, { cniVersion: '1.0.0', ips: [{ address: '10.9.0.5/24', gateway: '10.9.0.1' }] })
  t.strictSame(leases(), ['10.9.0.5'])
  const prevResult = added.json
  t.strictSame(await call('CHECK', { ...conf, prevResult }), NOTHING)
  t.strictSame(await call('DEL', { ...conf, prevResult }), NOTHING)
  t.strictSame(leases(), [])
  t.strictSame(await call('DEL', { ...conf, prevResult }), NOTHING)
  t.match(await call('CHECK', { ...conf, prevResult }), { status: 1, json: { code: 999, msg: /c1/ } })
})

t.test('delegate() relays errors of host-local', async t => {
  const refused = await call('ADD', hostLocal({ rangeStart: '10.8.0.5' }))
  t.match(refused, {
    status: 1,
    json: { cniVersion: '1.0.0', code: 999, msg: /invalid range set 0: RangeStart 10\.8\.0\.5 not in network/ },
  })
})

t.test('delegate() of static returns the result in every version', async t => {
  const ipam = {
    type: 'static',
    addresses: [{ address: '10.7.0.20/16', gateway: '10.7.0.1' }],
    routes: [{ dst: '0.0.0.0/0' }],
  }
  const routes = [{ dst: '0.0.0.0/0' }]
  const ip = { address: '10.7.0.20/16', gateway: '10.7.0.1' }
  for (const version of ['0.1.0', '0.2.0']) {
    const { json } = await call('ADD', { cniVersion: version, ipam })
    t.strictSame(json, { cniVersion: version, ip4: { ip: ip.address, gateway: ip.gateway, routes }, dns: {} })
  }
  for (const version of ['0.3.0', '0.3.1', '0.4.0']) {
    const { json } = await call('ADD', { cniVersion: version, ipam })
    t.strictSame(json, { cniVersion: version, ips: [{ version: '4', ...ip }], routes, dns: {} })
  }
  t.strictSame((await call('ADD', { cniVersion: '1.0.0', ipam })).json, { cniVersion: '1.0.0', ips: [ip], routes })
})

t.test('delegate() passes environment and conf to an executable', async t => {
  script('seer', `printf '{"code":100,"msg":"%s","details":"%s"}' "$CNI_COMMAND $CNI_IFNAME $SEEN" "$(wc -c)"; exit 1`)
  const conf = { ipam: { type: 'seer' } }
  const length = JSON.stringify({ cniVersion: '1.0.0', name: 'net', type: 'delegating', ...conf }).length
  for (const verb of ['ADD', 'DEL'])
    t.strictSame((await call(verb, conf, { SEEN: 'yes' })).json, {
      cniVersion: '1.0.0',
      code: 100,
      msg: `${verb} eth0 yes`,
      details: String(length),
    })
})

const FAILING: readonly {
  readonly name: string
  readonly text: string
  readonly mode?: number
  readonly msg: RegExp
  readonly stderr?: string
}[] = [
  { name: 'silent', text: 'exit 3', msg: /^netplugin failed with no error message: exit status 3$/ },
  { name: 'loud', text: 'echo boom >&2; exit 1', msg: /^netplugin failed: "boom": exit status 1$/, stderr: 'boom\n' },
  {
    name: 'babbling',
    text: 'echo oops; exit 1',
    msg: /^netplugin failed but error parsing its diagnostic message "oops\\n": /,
  },
  { name: 'killed', text: 'kill -9 $$', msg: /^netplugin failed with no error message: signal: SIGKILL$/ },
  {
    name: 'locked',
    text: 'exit 0',
    mode: 0o644,
    msg: /^netplugin failed with no error message: fork\/exec .*\/locked: EACCES$/,
  },
  { name: 'empty', text: 'exit 0', msg: /^IPAM empty answered what is no JSON object: ""$/ },
]

t.test('delegate() reports failures without JSON', async t => {
  for (const { name, text, mode = 0o755, msg, stderr = '' } of FAILING) {
    script(name, text, mode)
    const outcome = await call('ADD', { ipam: { type: name } })
    t.match(outcome, { status: 1, json: { code: name === 'empty' ? 6 : 999, msg } }, name)
    t.equal(outcome.stderr, stderr, 'what it says on stderr is passed on')
  }
})

t.test('delegate() waits for an executable that is being written', async t => {
  copyFileSync(`${REFERENCES}/static`, `${folder}/busy`)
  chmodSync(`${folder}/busy`, 0o755)
  const writing = openSync(`${folder}/busy`, 'r+')
  setTimeout(() => closeSync(writing), 1500)
  const { json } = await call('ADD', { ipam: { type: 'busy', addresses: [{ address: '10.7.0.20/16' }] } })
  t.strictSame(json, { cniVersion: '1.0.0', ips: [{ address: '10.7.0.20/16' }] })
})
