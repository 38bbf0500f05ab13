// Every installed kubectl: apply, get, -o yaml, -w, edit, label, annotate, patch, wait, explain,
// api-resources, delete.
import t from 'tap'
import { startApiserver } from '../../fixtures/apiserver.js'
import { kubectls, type Kubectl, type Said } from '../../fixtures/kubectl.js'

const server = await startApiserver()
t.teardown(() => server.stop())
const all = kubectls(server.kubeconfig)
if (all.length === 0) t.pass('no kubectl', { skip: 'kubectl is not installed' })

const manifest = (
  name: string,
  net: number,
  ips = `10.${net}.0.10-10.${net}.0.19`,
  more = '',
): string => `apiVersion: spiderpool.spidernet.io/v2beta1
kind: SpiderIPPool
metadata:
  name: ${name}
spec:
  subnet: 10.${net}.0.0/16
  ips: [${ips}]
${more}`

const SINCE_FIELD_VALIDATION = 25
const said = ({ status, stdout, stderr }: Said): string => `${status} ${stdout}${stderr}`

async function untilLines(lines: readonly string[], count: number): Promise<readonly string[]> {
  const late = Date.now() + 10_000
  while (lines.length < count && Date.now() < late) await new Promise(resolve => setTimeout(resolve, 50))
  return lines
}

type Tap = Pick<typeof t, 'equal' | 'match' | 'strictSame' | 'teardown'>

const stories: Readonly<Record<string, (t: Tap, kubectl: Kubectl, net: number) => Promise<void>>> = {
  'apply creates, leaves alone what is the same, changes what is not': async (t, { run, version }, net) => {
    const name = `applied-${version.replace('.', '-')}`
    const full = `spiderippool.spiderpool.spidernet.io/${name}`
    t.equal(said(await run(['apply', '-f', '-'], { stdin: manifest(name, net) })), `0 ${full} created\n`)
    t.equal(said(await run(['apply', '-f', '-'], { stdin: manifest(name, net) })), `0 ${full} unchanged\n`)
    t.equal(
      said(await run(['apply', '-f', '-'], { stdin: manifest(name, net, `10.${net}.0.10`) })),
      `0 ${full} configured\n`,
    )
    t.equal(
      (await run(['get', 'sp', name, '-o', 'jsonpath={.spec.ips}'])).stdout.replace(/[[\]"]/g, ''),
      `10.${net}.0.10`,
    )
    // From 1.25 on kubectl leaves it to the server.
    if (server.lacks('fieldValidation') === false || Number(version.split('.')[1]) < SINCE_FIELD_VALIDATION)
      t.match(await run(['apply', '-f', '-'], { stdin: manifest(name, net, 'x', '  nope: 1\n') }), {
        status: 1,
        stderr: /unknown field "(spec\.)?nope"/,
      })
    if (server.own)
      t.match(await run(['apply', '-f', '-'], { stdin: manifest(name, net, '10.250.0.1') }), {
        status: 1,
        stderr: /spec\.ips/,
      })
    t.match(await run(['delete', 'sp', name]), { status: 0, stdout: new RegExp(`"${name}" deleted`) })
  },

  'get prints the columns of the CRD, and the whole as YAML and JSON': async (t, { run }, net) => {
    const name = `columns-${net}`
    await run(['apply', '-f', '-'], { stdin: manifest(name, net) })
    await run(['wait', '--for=condition=Never', `sp/${name}`, '--timeout=1200ms'])
    const { stdout } = await run(['get', 'sp', name])
    const [head = '', row = ''] = stdout.split('\n')
    t.strictSame(head.trim().split(/ {2,}/), [
      'NAME',
      'VERSION',
      'SUBNET',
      'ALLOCATED-IP-COUNT',
      'TOTAL-IP-COUNT',
      'DEFAULT',
    ])
    if (server.own) t.strictSame(row.trim().split(/ {2,}/), [name, '4', `10.${net}.0.0/16`, '0', '10', 'false'])
    t.match((await run(['get', 'sp', name, '-o', 'wide'])).stdout, /DISABLE +NODENAME +MULTUSNAME +APP-NAMESPACE/)
    t.match((await run(['get', 'spiderpool'])).stdout, new RegExp(`/${name} `), 'by category')
    t.match(
      (await run(['get', 'sp', name, '-o', 'yaml'])).stdout,
      /^apiVersion: spiderpool.spidernet.io\/v2beta1\nkind: SpiderIPPool\n/,
    )
    t.equal(JSON.parse((await run(['get', 'sp', name, '-o', 'json'])).stdout).spec.subnet, `10.${net}.0.0/16`)
    t.match((await run(['describe', 'sp', name])).stdout, /Kind: +SpiderIPPool/)
    t.match((await run(['get', 'namespaces'])).stdout, /^NAME +STATUS +AGE\n/)
    t.match(await run(['get', 'sp', 'absent']), {
      status: 1,
      stderr: /^Error from server \(NotFound\): spiderippools.spiderpool.spidernet.io "absent" not found/,
    })
    await run(['delete', 'sp', name])
  },

  'get -w prints what changes': async (t, { run, start }, net) => {
    const name = `watched-${net}`
    await run(['apply', '-f', '-'], { stdin: manifest(name, net) })
    const { child, lines } = start([
      'get',
      'sp',
      name,
      '-w',
      '-o',
      'custom-columns=NAME:.metadata.name,OFF:.spec.disable',
    ])
    t.teardown(() => void child.kill('SIGKILL'))
    await untilLines(lines, 2)
    await run(['patch', 'sp', name, '--type=merge', '-p', '{"spec":{"disable":true}}'])
    const late = Date.now() + 10_000
    while (!lines.some(line => / true$/.test(line)) && Date.now() < late) await untilLines(lines, lines.length + 1)
    t.match(lines[0], /^NAME +OFF$/)
    t.match(lines[1], new RegExp(`^${name} +false$`))
    t.match(lines.at(-1), new RegExp(`^${name} +true$`))
    child.kill()
    await run(['delete', 'sp', name])
  },

  'label, annotate, patch and edit change an object': async (t, { run, version }, net) => {
    const name = `changed-${net}`
    await run(['apply', '-f', '-'], { stdin: manifest(name, net) })
    t.match(await run(['label', 'sp', name, 'rack=7']), { status: 0, stdout: /labeled/ })
    t.match(await run(['annotate', 'sp', name, 'note=a b']), { status: 0, stdout: /annotated/ })
    t.match((await run(['get', 'sp', '-l', 'rack=7', '-o', 'name'])).stdout, new RegExp(name))
    t.match(await run(['label', 'sp', name, 'rack-']), { status: 0, stdout: /labeled/ })
    t.match(
      (await run(['patch', 'sp', name, '--type=json', '-p', '[{"op":"replace","path":"/spec/default","value":true}]']))
        .stdout,
      /patched/,
    )
    const edited = await run(['edit', 'sp', name], { env: { KUBE_EDITOR: "sed -i 's/default: true/default: false/'" } })
    t.match(edited, { status: 0, stdout: /edited/ }, version)
    const spec = await run([
      'get',
      'sp',
      name,
      '-o',
      'jsonpath={.spec.default} {.metadata.annotations.note} {.metadata.labels.rack}',
    ])
    t.equal(spec.stdout.trim(), 'false a b')
    await run(['delete', 'sp', name])
  },

  'wait waits for a condition and for the end of an object': async (t, { run, start, version }, net) => {
    const crds = await run([
      'wait',
      '--for=condition=Established',
      'crd/spiderippools.spiderpool.spidernet.io',
      '--timeout=10s',
    ])
    t.match(crds, { status: 0, stdout: /condition met/ })
    const name = `waited-${net}`
    await run(['apply', '-f', '-'], { stdin: manifest(name, net) })
    const { child, lines } = start(['wait', '--for=delete', `sp/${name}`, '--timeout=20s'])
    t.teardown(() => void child.kill('SIGKILL'))
    await new Promise(resolve => setTimeout(resolve, 500))
    await run(['delete', 'sp', name])
    const code = await new Promise(resolve =>
      child.exitCode !== null ? resolve(child.exitCode) : child.once('exit', resolve),
    )
    t.equal(code, 0, `${version}: ${lines.join(' ')}`)
  },

  'explain and api-resources list fields and kinds': async (t, { run }) => {
    t.match((await run(['explain', 'sp.spec'])).stdout, /excludeIPs\s+<\[\]string>/)
    t.match((await run(['explain', 'sp.spec.subnet'])).stdout, /subnet +<string>/)
    t.match((await run(['explain', 'pod'])).stdout, /KIND: +Pod/)
    const { stdout } = await run(['api-resources'])
    for (const row of [
      /^pods +po +v1 +true +Pod$/m,
      /^spiderippools +sp +spiderpool.spidernet.io\/v2beta1 +false +SpiderIPPool$/m,
      /^customresourcedefinitions +crd,crds /m,
    ])
      t.match(stdout, row)
    t.match((await run(['api-versions'])).stdout, /^spiderpool.spidernet.io\/v2beta1$/m)
  },

  'namespaces, pods and config maps come and go': async (t, { run, version }, net) => {
    const ns = `typed-${net}`
    t.match(await run(['create', 'namespace', ns]), { status: 0, stdout: /created/ }, version)
    t.match(await run(['-n', ns, 'create', 'configmap', 'c', '--from-literal=a=b']), { status: 0, stdout: /created/ })
    t.match(await run(['-n', ns, 'run', 'p', '--image=nothing']), { status: 0, stdout: /created/ })
    t.match((await run(['-n', ns, 'get', 'pods'])).stdout, /^NAME +READY +STATUS +RESTARTS +AGE\np +0\/1 +Pending +0/)
    t.match(await run(['delete', 'namespace', ns]), { status: 0, stdout: /deleted/ })
    t.match(await run(['-n', ns, 'get', 'configmap', 'c']), { status: 1, stderr: /NotFound/ })
  },

  'server-side apply reports conflicts': async (t, { run, version }, net) => {
    const name = `sided-${net}`
    const apply = (ips: string, ...more: string[]): Promise<Said> =>
      run(['apply', '--server-side', '-f', '-', ...more], { stdin: manifest(name, net, ips) })
    t.match(await apply(`10.${net}.0.1`), { status: 0, stdout: /serverside-applied/ }, version)
    t.match(await apply(`10.${net}.0.2`, '--field-manager=other'), {
      status: 1,
      stderr: /conflict with "kubectl": \.spec\.ips/,
    })
    t.match(await apply(`10.${net}.0.2`, '--field-manager=other', '--force-conflicts'), { status: 0 })
    await run(['delete', 'sp', name])
  },
}

all.forEach((kubectl, i) => {
  for (const [story, run] of Object.entries(stories)) {
    const net = 100 + i * 50 + Object.keys(stories).indexOf(story)
    t.test(`kubectl ${kubectl.version}: ${story}`, t => run(t, kubectl, net))
  }
})
