// The webhooks with provided certificates: a mounted directory as the kubelet keeps it, replaced
// while the controller runs.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { issue, makeAuthority, type Pair } from '../../../lib/x509.js'
import { startApiserver } from '../../fixtures/apiserver.js'
import { eventually, startController } from '../../fixtures/controller.js'
import { BIN } from '../../fixtures/executable.js'
import { restOf } from '../../fixtures/rest.js'
import { callerOf } from '../../fixtures/webhook.js'

const REGISTRATION = '/apis/admissionregistration.k8s.io/v1'
const [MUTATING, VALIDATING] = ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'] as const
const SERVER_NAME = 'spiderpool-controller.kube-system.svc'
const LATE_MS = 60_000
const there = <T>(look: () => T | undefined | Promise<T | undefined>): Promise<T | undefined> =>
  eventually(look, LATE_MS)

const folder = mkdtempSync(join(tmpdir(), 'provided-'))
const lasting = { fromMs: Date.now() - 3_600_000, toMs: Date.now() + 86_400_000 }
const made = async (): Promise<{ readonly ca: Pair; readonly pair: Pair }> => {
  const ca = await makeAuthority('theirs', lasting)
  return { ca, pair: await issue(ca, { name: 'x', dns: [SERVER_NAME], ips: [], validity: lasting }) }
}
let version = 0
/** As the kubelet does it: a new directory, then one rename. */
function mount(files: Readonly<Record<string, string>>): void {
  const to = `..${++version}`
  mkdirSync(join(folder, to))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, to, name), text)
  symlinkSync(to, join(folder, '..next'))
  renameSync(join(folder, '..next'), join(folder, '..data'))
}
const mountPair = ({ ca, pair }: Awaited<ReturnType<typeof made>>): void =>
  mount({ 'tls.crt': pair.certificate, 'tls.key': pair.key, 'ca.crt': ca.certificate })

const first = await made()
mountPair(first)
for (const name of ['tls.crt', 'tls.key', 'ca.crt']) symlinkSync(`..data/${name}`, join(folder, name))

const server = await startApiserver({ standalone: true, args: ['--no-embedded-controller'] })
const rest = restOf(server.kubeconfig)
async function must(method: string, path: string, body?: object): Promise<unknown> {
  const answer = await rest.ask(method, path, { ...(body && { body }) })
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
  return answer.body
}
const printed = execFileSync(`${BIN}/spiderpool-controller`, ['webhooks'], { encoding: 'utf8' })
for (const one of (JSON.parse(printed) as { items: readonly { kind: string }[] }).items)
  await must('POST', `${REGISTRATION}/${one.kind.toLowerCase()}s`, one)

const args = ['--tls-server-cert', join(folder, 'tls.crt'), '--tls-server-key', join(folder, 'tls.key')]
const controller = await startController(server.kubeconfig, { name: 'provided', args })
t.teardown(async () => {
  await controller.end('SIGTERM')
  rest.close()
  await server.stop()
  rmSync(folder, { recursive: true })
})
const port = Number((await controller.said('the webhooks are served', LATE_MS))['port'])

interface Configuration {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> }
  readonly webhooks: readonly { readonly clientConfig: { readonly caBundle?: string } }[]
}
const configuration = async (plural: string): Promise<Configuration> =>
  (await must('GET', `${REGISTRATION}/${plural}/spiderpool-controller`)) as Configuration
const hasBundle = async (plural: string, pem: string): Promise<true | undefined> =>
  (await configuration(plural)).webhooks.every(
    ({ clientConfig: { caBundle = '' } }) => Buffer.from(caBundle, 'base64').toString() === pem,
  ) || undefined
/** Status of the health path, verified with that CA only. */
async function answers(ca: string): Promise<number | undefined> {
  const caller = callerOf({ port, ca, serverName: SERVER_NAME }, { sockets: 1 })
  try {
    return (await caller.call('/webhook-health-check', '', { method: 'GET' })).status
  } catch {
    return undefined // signed by another CA
  } finally {
    caller.close()
  }
}

t.test('the mounted certificate is served, and its CA becomes the caBundle', async t => {
  t.equal(await there(() => answers(first.ca.certificate)), 200)
  for (const plural of [MUTATING, VALIDATING]) t.ok(await there(() => hasBundle(plural, first.ca.certificate)), plural)
  t.ok(await there(async () => (await controller.health('readiness')).status === 200 || undefined))
  const secret = '/api/v1/namespaces/kube-system/secrets/spiderpool-controller-server-certs'
  t.equal((await rest.ask('GET', secret)).status, 404, 'none is made')
})

t.test('an edited caBundle is repaired; one that cert-manager injects is left unchanged', async t => {
  const edit = async (plural: string, annotations: Readonly<Record<string, string>>): Promise<void> => {
    const one = await configuration(plural)
    const webhooks = one.webhooks.map(hook => ({ ...hook, clientConfig: { ...hook.clientConfig, caBundle: 'eA==' } }))
    const body = { ...one, metadata: { ...one.metadata, annotations }, webhooks }
    await must('PUT', `${REGISTRATION}/${plural}/spiderpool-controller`, body)
  }
  await edit(MUTATING, { 'cert-manager.io/inject-ca-from': 'kube-system/x' })
  await edit(VALIDATING, {})
  t.ok(await there(() => hasBundle(VALIDATING, first.ca.certificate)))
  t.ok(await hasBundle(MUTATING, 'x'))
})

t.test('invalid certificate files change nothing and are logged once', async t => {
  mount({ 'tls.crt': 'x', 'tls.key': 'y', 'ca.crt': first.ca.certificate })
  await controller.said('the webhooks keep their certificate', LATE_MS)
  t.equal(await answers(first.ca.certificate), 200)
})

t.test('a certificate of another CA is served and trusted without a restart', async t => {
  const second = await made()
  mountPair(second)
  t.equal(await there(() => answers(second.ca.certificate)), 200)
  t.equal(await answers(first.ca.certificate), undefined)
  t.ok(await there(() => hasBundle(VALIDATING, second.ca.certificate)))
  t.equal(controller.log.filter(({ msg }) => msg.includes('keep their certificate')).length, 1)
})
