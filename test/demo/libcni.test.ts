// The runner of conflists: what each plugin gets, in which order, and what is kept between calls.
import t from 'tap'
import * as libcni from '../../demo/libcni.js'

interface Called {
  readonly type: string
  readonly verb: string
  readonly conf: Readonly<Record<string, unknown>>
}

function fake(): {
  readonly deps: libcni.LibcniDeps
  readonly calls: Called[]
  readonly kept: Map<string, libcni.Result>
} {
  const calls: Called[] = []
  const kept = new Map<string, libcni.Result>()
  const cache = {
    read: (key: string) => kept.get(key),
    write: (key: string, result: libcni.Result) => void kept.set(key, result),
    remove: (key: string) => void kept.delete(key),
  }
  const call = async (type: string, env: Readonly<Record<string, string>>, conf: object): Promise<libcni.Result> => {
    calls.push({ type, verb: env['CNI_COMMAND'] ?? '', conf: conf as Called['conf'] })
    return { by: type }
  }
  return { deps: { call, cache }, calls, kept }
}

const list = libcni.conflistOf(
  JSON.stringify({
    cniVersion: '1.0.0',
    name: 'net',
    plugins: [
      { type: 'first', capabilities: { mac: true, dns: true, off: false } },
      { type: 'second', mode: 'auto' },
    ],
  }),
  'object',
)
const runtime: libcni.Runtime = {
  containerID: 'c1',
  netns: '/run/netns/x',
  ifName: 'eth0',
  args: { K8S_POD_NAME: 'p' },
  capabilityArgs: { mac: '02:00:00:00:00:01', off: 1 },
}

t.test('add() passes prevResult from plugin to plugin and caches the last result', async t => {
  const { deps, calls, kept } = fake()
  t.strictSame(await libcni.add(list, runtime, deps), { by: 'second' })
  t.strictSame(
    calls.map(({ type, conf }) => [type, conf]),
    [
      ['first', { type: 'first', cniVersion: '1.0.0', name: 'net', runtimeConfig: { mac: '02:00:00:00:00:01' } }],
      ['second', { type: 'second', mode: 'auto', cniVersion: '1.0.0', name: 'net', prevResult: { by: 'first' } }],
    ],
  )
  t.strictSame([...kept.keys()], ['net-c1-eth0'])
})

t.test('check() and del() pass the cached result; del() runs in reverse and removes it', async t => {
  const { deps, calls, kept } = fake()
  await libcni.add(list, runtime, deps)
  calls.length = 0
  await libcni.check(list, runtime, deps)
  await libcni.del(list, runtime, deps)
  t.strictSame(
    calls.map(({ type, verb, conf }) => [verb, type, conf['prevResult']]),
    [
      ['CHECK', 'first', { by: 'second' }],
      ['CHECK', 'second', { by: 'second' }],
      ['DEL', 'second', { by: 'second' }],
      ['DEL', 'first', { by: 'second' }],
    ],
  )
  t.equal(kept.size, 0)
})

t.test('without a cached result del() calls every plugin and check() fails', async t => {
  const { deps, calls } = fake()
  await t.rejects(libcni.check(list, runtime, deps), { message: 'net was never added to c1' })
  await libcni.del(list, runtime, deps)
  t.strictSame(
    calls.map(({ verb, conf }) => [verb, 'prevResult' in conf]),
    [
      ['DEL', false],
      ['DEL', false],
    ],
  )
})

t.test('check() rejects a cniVersion before 0.4.0', async t => {
  const { deps } = fake()
  await libcni.add(list, runtime, deps)
  await t.rejects(libcni.check({ ...list, cniVersion: '0.3.1' }, runtime, deps), /CHECK came with 0\.4\.0/)
})

t.test('check() honours disableCheck', async t => {
  const { deps, calls } = fake()
  await libcni.check({ ...list, disableCheck: true }, runtime, deps)
  t.equal(calls.length, 0)
})

t.test('a single conf is a list of one, named by the object if it has no name', async t => {
  t.strictSame(libcni.conflistOf('{"cniVersion":"1.0.0","type":"macvlan","master":"eth0"}', 'object'), {
    cniVersion: '1.0.0',
    name: 'object',
    plugins: [{ cniVersion: '1.0.0', type: 'macvlan', master: 'eth0' }],
  })
  t.throws(() => libcni.conflistOf('{"cniVersion":"1.0.0"}', 'object'), /neither plugins nor a type/)
})
