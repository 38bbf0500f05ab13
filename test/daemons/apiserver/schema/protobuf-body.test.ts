// fromProtobuf(): bodies captured from kubectl 1.32, and damaged ones.
import t from 'tap'
import { ApiError } from '../../../../daemons/apiserver/schema/status-error.js'
import { fromProtobuf } from '../../../../daemons/apiserver/schema/protobuf-body.js'

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'))

/** Captured from kubectl 1.32. */
const CAPTURES: readonly { of: string; bytes: string; value: unknown }[] = [
  {
    of: 'kubectl create namespace foo',
    bytes: `6b3873000a0f0a02763112094e616d657370616365121b0a130a03666f6f12001a0022002a0032003800420012001a02
            0a001a002200`,
    value: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'foo' }, spec: {} },
  },
  {
    of: 'kubectl create configmap c --from-literal=a=b',
    bytes: `6b3873000a0f0a0276311209436f6e6669674d6170121b0a110a016312001a0022002a0032003800420012060a016112
            01621a002200`,
    value: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data: { a: 'b' } },
  },
  {
    of: 'kubectl create secret generic s --from-literal=k=v',
    bytes: `6b3873000a0c0a0276311206536563726574121d0a110a017312001a0022002a0032003800420012060a016b1201761a
            001a002200`,
    value: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, data: { k: 'dg==' } },
  },
  {
    of: 'kubectl create deployment d --image=i --replicas=0 --port=80',
    bytes: `6b3873000a150a07617070732f7631120a4465706c6f796d656e7412a7010a1b0a016412001a0022002a003200380042
            005a080a03617070120164127a0800120a0a080a036170701201641a620a1a0a0012001a0022002a003200380042005a
            080a03617070120164124412260a01691201692a00320a0a001000185022002a0042006a007200800100880100900100
            a201001a00320042004a0052005800600068008201008a01009a0100c2010022020a00280038001a0c08001000180020
            00280038001a002200`,
    value: {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd', labels: { app: 'd' } },
      spec: {
        replicas: 0,
        selector: { matchLabels: { app: 'd' } },
        strategy: {},
        template: {
          metadata: { labels: { app: 'd' } },
          spec: { containers: [{ name: 'i', image: 'i', ports: [{ containerPort: 80 }], resources: {} }] },
        },
      },
    },
  },
  {
    of: 'kubectl create cronjob j --image=i --schedule=@daily',
    bytes: `6b3873000a130a0862617463682f7631120743726f6e4a6f62128f010a110a016a12001a0022002a0032003800420012
            780a06406461696c791a002a6c0a110a016a12001a0022002a00320038004200125732550a100a0012001a0022002a00
            3200380042001241121a0a016a1201692a0042006a007200800100880100900100a201001a094f6e4661696c75726532
            0042004a0052005800600068008201008a01009a0100c201001a001a002200`,
    value: {
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: { name: 'j' },
      spec: {
        schedule: '@daily',
        jobTemplate: {
          metadata: { name: 'j' },
          spec: {
            template: {
              metadata: {},
              spec: { containers: [{ name: 'j', image: 'i', resources: {} }], restartPolicy: 'OnFailure' },
            },
          },
        },
      },
    },
  },
  {
    of: 'kubectl create service clusterip s --tcp=80:http',
    bytes: `6b3873000a0d0a02763112075365727669636512660a1b0a017312001a0022002a003200380042005a080a0361707012
            017312430a1e0a0738302d6874747012035443501850220a080110001a0468747470280012080a036170701201731a00
            2209436c757374657249503a00420052005a00600068001a020a001a002200`,
    value: {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 's', labels: { app: 's' } },
      spec: {
        ports: [{ name: '80-http', protocol: 'TCP', port: 80, targetPort: 'http' }],
        selector: { app: 's' },
        type: 'ClusterIP',
      },
    },
  },
]

for (const { of, bytes, value } of CAPTURES)
  t.test(`fromProtobuf() decodes ${of}`, async t => t.strictSame(fromProtobuf(hex(bytes)), value))

const DAMAGE: readonly (readonly [of: string, bytes: string, code: number])[] = [
  ['nothing', '', 400],
  ['another magic', '6b387301', 400],
  ['no kind', '6b387300', 415],
  ['a kind that is not in the table', '6b387300 0a07 0a0176 1202 4e4f', 415],
  ['a length beyond the end', '6b387300 0aff', 400],
  ['a number that never ends', '6b387300 08ffffffffffffffffffffff01', 400],
  ['an unknown wire type', '6b387300 0b00', 400],
  ['a field that the table does not have', '6b387300 0a0f0a02763112094e616d657370616365 1203 9a0600', 415],
]
for (const [of, bytes, code] of DAMAGE)
  t.test(`fromProtobuf() rejects ${of}`, async t =>
    t.throws(() => fromProtobuf(hex(bytes)), { name: 'ApiError', code }),
  )

t.test('fromProtobuf() of a damaged body returns an object or throws an ApiError', async t => {
  let objects = 0
  let refusals = 0
  for (const { bytes } of CAPTURES) {
    const whole = hex(bytes)
    const damaged = [...whole].flatMap((byte, at) => [
      whole.with(at, byte ^ 0xff),
      whole.with(at, (byte + 1) & 0xff),
      whole.subarray(0, at),
    ])
    for (const body of damaged)
      try {
        fromProtobuf(body)
        objects++
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        refusals++
      }
  }
  t.ok(objects > 100 && refusals > 100, `${objects} objects, ${refusals} refusals`)
})
