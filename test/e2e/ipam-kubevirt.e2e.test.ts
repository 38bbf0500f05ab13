// KubeVirt virtual machines keep their address over restarts and live migrations.
import t, { type Test } from 'tap'
import type { KubeObject } from '../../demo/api.js'
import type { PodRef } from '../fixtures/cluster.js'
import { first, openIpam, type Sandbox } from '../fixtures/ipam.js'

const ipam = await openIpam()
const { cluster, name } = ipam
t.teardown(() => ipam.stop())

const GROUP = 'kubevirt.io'
const MACHINES = `/apis/${GROUP}/v1/namespaces/default/virtualmachines`
const INSTANCES = `/apis/${GROUP}/v1/namespaces/default/virtualmachineinstances`

/** As a cluster with KubeVirt serves them; one that has it keeps its own. */
async function serve(kind: string): Promise<void> {
  const plural = `${kind.toLowerCase()}s`
  const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${plural}.${GROUP}`
  const isThere = await cluster.api.read(path).then(
    () => true,
    () => false,
  )
  if (isThere) return
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
  await cluster.api.create('customresourcedefinitions', {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: { plural, singular: kind.toLowerCase(), kind },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  })
  t.teardown(() => cluster.api.remove(path))
}
await serve('VirtualMachine')
await serve('VirtualMachineInstance')

const POOL = name('machines')
await cluster.pool(POOL, { subnet: '10.230.0.0/24', ips: ['10.230.0.10-10.230.0.30'] })
const ANNOTATIONS = { 'ipam.spidernet.io/ippool': JSON.stringify({ ipv4: [POOL] }) }
const MIGRATES = { 'kubevirt.io/migrationJobName': 'job' }

const own = (kind: string, { metadata }: KubeObject) => ({
  ...{ apiVersion: `${GROUP}/v1`, kind },
  ...{ name: metadata.name ?? '', uid: metadata.uid ?? '', controller: true },
})

class Machine {
  readonly name: string
  #machine: KubeObject | undefined
  #instance: KubeObject | undefined
  #launchers = 0

  constructor(text: string) {
    this.name = name(text)
  }
  async define(): Promise<void> {
    this.#machine = await cluster.api.create('virtualmachines', this.#object('VirtualMachine', []))
  }
  async boot(): Promise<void> {
    const owners = this.#machine ? [own('VirtualMachine', this.#machine)] : []
    this.#instance = await cluster.api.create('virtualmachineinstances', this.#object('VirtualMachineInstance', owners))
  }
  halt = (): Promise<void> => cluster.api.remove(`${INSTANCES}/${this.name}`)
  undefine = (): Promise<void> => cluster.api.remove(`${MACHINES}/${this.name}`)
  launcher(node: string, annotations: Readonly<Record<string, string>> = {}): Promise<PodRef> {
    if (!this.#instance) throw new Error('boot it first')
    const launcher = `virt-launcher-${this.name}-${String(++this.#launchers).padStart(5, 'x')}`
    return cluster.pod(
      launcher,
      { ...ANNOTATIONS, ...annotations },
      { node, owner: own('VirtualMachineInstance', this.#instance) },
    )
  }
  #object = (kind: string, ownerReferences: readonly object[]): KubeObject => ({
    apiVersion: `${GROUP}/v1`,
    kind,
    metadata: { name: this.name, namespace: 'default', ownerReferences },
    spec: {},
  })
}

const uidsOf = async (address: string): Promise<readonly string[]> =>
  (await cluster.addresses(POOL)).filter(({ spec }) => spec.address === address).map(({ spec }) => spec.pod.uid)
const recordsOf = async (machine: Machine): Promise<readonly unknown[]> =>
  (await cluster.endpoints()).map(({ metadata }) => metadata.name).filter(text => text?.includes(machine.name))

async function up(
  t: Test,
  pod: PodRef,
  switches: object = {},
): Promise<{ readonly sandbox: Sandbox; readonly address: string }> {
  const sandbox = ipam.sandbox(pod)
  const answer = await sandbox.add('eth0', switches)
  t.equal(answer.code, undefined, answer.msg ?? 'it starts')
  return { sandbox, address: first(answer) }
}

async function down({ sandbox }: { readonly sandbox: Sandbox }, t: Test): Promise<void> {
  await cluster.removePod(sandbox.pod).catch((error: unknown) => {
    if (!String(error).includes(': 404 ')) throw error // it went with its instance
  })
  t.equal((await sandbox.del()).status, 0)
}

t.test('ADD of a restarted virtual machine keeps its address; it is released on deletion', async t => {
  const machine = new Machine('restarts')
  await machine.define()
  await machine.boot()
  const before = await up(t, await machine.launcher('n1'))
  await machine.halt()
  await down(before, t)
  t.equal((await uidsOf(before.address)).length, 1, 'kept while it is off')
  await machine.boot()
  const after = await up(t, await machine.launcher('n2'))
  t.equal(after.address, before.address)
  t.strictSame(await uidsOf(after.address), [after.sandbox.pod.uid])
  t.strictSame(await recordsOf(machine), [machine.name], 'one record, of the machine')

  await machine.halt()
  await machine.undefine()
  await down(after, t)
  t.strictSame(await uidsOf(after.address), [])
  t.strictSame(await recordsOf(machine), [])
})

t.test('ADD of a migrating virtual machine has its address on both nodes, then on the target', async t => {
  const machine = new Machine('moves')
  await machine.define()
  await machine.boot()
  const source = await up(t, await machine.launcher('n1'))
  const target = await up(t, await machine.launcher('n2', MIGRATES))
  t.equal(target.address, source.address)
  t.strictSame(await uidsOf(source.address), [target.sandbox.pod.uid])
  await down(source, t)
  t.strictSame(await uidsOf(source.address), [target.sandbox.pod.uid], 'the DEL of the old side frees nothing')
  const restarted = await up(t, target.sandbox.pod)
  t.equal(restarted.address, source.address, 'a new sandbox on the new side')
  t.equal((await target.sandbox.del()).status, 0)
  t.strictSame(await uidsOf(source.address), [target.sandbox.pod.uid])

  await machine.halt()
  await machine.undefine()
  await down(restarted, t)
  t.strictSame([...(await uidsOf(source.address)), ...(await recordsOf(machine))], [])
})

t.test('DEL of a failed migration target keeps the address of the virtual machine', async t => {
  const machine = new Machine('stays')
  await machine.define()
  await machine.boot()
  const source = await up(t, await machine.launcher('n1'))
  const target = await up(t, await machine.launcher('n2', MIGRATES))
  await down(target, t)
  t.equal((await uidsOf(source.address)).length, 1, 'the machine runs on')
  const again = await up(t, await machine.launcher('n3', MIGRATES))
  t.equal(again.address, source.address, 'the next try')
  await down(source, t)
  t.strictSame(await uidsOf(source.address), [again.sandbox.pod.uid])
  await machine.halt()
  await machine.undefine()
  await down(again, t)
  t.strictSame(await uidsOf(source.address), [])
})

t.test('DEL of an instance without a VirtualMachine releases its address', async t => {
  const instance = new Machine('alone')
  await instance.boot()
  const pod = await up(t, await instance.launcher('n1'))
  await instance.halt()
  await down(pod, t)
  t.strictSame([...(await uidsOf(pod.address)), ...(await recordsOf(instance))], [])
})

t.test('ADD with enableKubevirtStaticIP off treats a launcher as any pod', async t => {
  const off = { enableKubevirtStaticIP: false }
  const machine = new Machine('plain')
  await machine.define()
  await machine.boot()
  const source = await up(t, await machine.launcher('n1'), off)
  const target = await up(t, await machine.launcher('n2', MIGRATES), off)
  t.not(target.address, source.address)
  t.equal((await recordsOf(machine)).length, 2, 'a record for each launcher')
})
