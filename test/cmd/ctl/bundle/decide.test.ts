// What a support archive redacts, and what it keeps.
import t from 'tap'
import { redacted, redactedText } from '../../../../cmd/ctl/bundle/decide.js'

const JWT = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW0ifQ.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg'
const KEY = '-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----'

const TEXTS = [
  [`Authorization: Bearer ${JWT}`, 'Authorization: Bearer <redacted>'],
  [`read ${KEY} of tls.key`, 'read <redacted> of tls.key'],
  ['client-key-data: TElLRQ==', 'client-key-data: <redacted>'],
  ['{"token":"abc","pool":"web"}', '{"token":"<redacted>","pool":"web"}'],
  ['{\\"password\\":\\"abc\\",\\"pool\\":\\"web\\"}', '{\\"password\\":\\"<redacted>\\",\\"pool\\":\\"web\\"}'],
  ['kubeadm join 10.0.0.1:6443 with abcdef.0123456789abcdef', 'kubeadm join 10.0.0.1:6443 with <redacted>'],
  ['proxy http://user:pass@proxy:3128', 'proxy http://<redacted>@proxy:3128'],
  ['all IP addresses used out in pool web', 'all IP addresses used out in pool web'],
  ['pod default/web-0 172.18.30.131/16', 'pod default/web-0 172.18.30.131/16'],
] as const

t.test('redactedText() removes secrets by their form and name, and nothing else', async t => {
  for (const [text, expected] of TEXTS) t.equal(redactedText(text), expected, text)
})

t.test('redacted() removes secrets of objects by the names of fields and variables', async t => {
  const env = [
    { name: 'SPIDERPOOL_TOKEN', value: 'abc' },
    { name: 'SPIDERPOOL_LOG_LEVEL', value: 'debug' },
    { name: 'API_SECRET', valueFrom: { secretKeyRef: { name: 'keys', key: 'x' } } },
  ]
  const object = {
    metadata: { name: 'a', managedFields: [{ manager: 'kubectl' }], annotations: { note: JWT } },
    webhooks: [{ clientConfig: { caBundle: 'LS0tLS1CRUdJTiBDRVJU', service: { name: 's' } } }],
    spec: { env, secretName: 'keys', count: 3 },
  }
  t.strictSame(redacted(object), {
    metadata: { name: 'a', annotations: { note: '<redacted>' } },
    webhooks: [{ clientConfig: { caBundle: '<redacted>', service: { name: 's' } } }],
    spec: { env: [{ name: 'SPIDERPOOL_TOKEN', value: '<redacted>' }, env[1], env[2]], secretName: 'keys', count: 3 },
  })
})
