// Sets of values that the chart is rendered with, also on an API server.
import { at, type Values } from '../fixtures/chart.js'

const PEM = Buffer.from('-----BEGIN CERTIFICATE-----\n').toString('base64')
/** One set of all; of equal values the later wins. */
export const all = (...sets: readonly Values[]): Values => sets.reduce((into, one) => merged(into, one), {})
function merged(a: Values, b: Values): Values {
  const both = { ...a }
  for (const [key, value] of Object.entries(b)) {
    const [one, other] = [a[key], value]
    both[key] = isMap(one) && isMap(other) ? merged(one, other) : other
  }
  return both
}
export const isMap = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const provided = all(at('spiderpoolController.tls.method', 'provided'), {
  spiderpoolController: { tls: { provided: { tlsCert: PEM, tlsKey: PEM, tlsCa: PEM } } },
})
const certmanager = all(
  at('spiderpoolController.tls.method', 'certmanager'),
  at('spiderpoolController.tls.certmanager.extraDnsNames', ['a.example']),
)
export const monitored = all(
  ...['spiderpoolAgent', 'spiderpoolController'].flatMap(name => [
    at(`${name}.prometheus.enabled`, true),
    at(`${name}.prometheus.serviceMonitor.install`, true),
    at(`${name}.prometheus.serviceMonitor.labels`, { team: 'a' }),
    at(`${name}.prometheus.prometheusRule.install`, true),
  ]),
)
export const defaultPools = {
  clusterDefaultPool: {
    installIPv4IPPool: true,
    installIPv6IPPool: true,
    ipv4Subnet: '10.6.0.0/16',
    ipv4IPRanges: ['10.6.0.10-10.6.0.20'],
    ipv6Subnet: 'fd00::/120',
    ipv6IPRanges: ['fd00::10-fd00::20'],
  },
}
const extra = {
  extraVolumes: [{ name: 'extra', emptyDir: {} }],
  extraVolumeMounts: [{ name: 'extra', mountPath: '/extra' }],
  extraEnv: [{ name: 'SPIDERPOOL_LOG_LEVEL', value: 'debug' }],
  podLabels: { own: '{{ .Release.Name }}' },
}
const plugins = { plugins: { installCNI: true, image: { tag: 'v1' } } }

/** Sets of values by what they are about. */
export const SETS: Readonly<Record<string, Values>> = {
  'default values': {},
  'a default network': at('multus.multusCNI.defaultCniCRName', 'macvlan-conf'),
  'a mirror': all(at('global.imageRegistryOverride', 'mirror.example/x'), plugins),
  'digests and pull secrets': all(
    at('spiderpoolAgent.image.digest', `sha256:${'a'.repeat(64)}`),
    at('global.imagePullSecrets', ['one', { name: 'two' }]),
  ),
  'common labels and annotations': at('global', {
    commonLabels: { a: '{{ .Release.Name }}' },
    commonAnnotations: { b: 'c' },
  }),
  'provided certificates': provided,
  'cert-manager': certmanager,
  'cert-manager with a ClusterIssuer': all(
    certmanager,
    at('spiderpoolController.tls.certmanager.issuerName', 'company'),
    at('spiderpoolController.tls.certmanager.issuerKind', 'ClusterIssuer'),
  ),
  monitoring: monitored,
  'pod injection': at('spiderpoolController.podResourceInject', { enabled: true, namespacesInclude: ['ai'] }),
  'default pools': defaultPools,
  'extra volumes and variables': all({ spiderpoolAgent: extra, spiderpoolController: extra }),
  'two replicas': at('spiderpoolController', { replicas: 2, podDisruptionBudget: { enabled: true } }),
  'no Multus': all(at('multus.multusCNI.install', false), at('multus.enableMultusConfig', false)),
  'no coordinator': at('coordinator.enabled', false),
  'IPv6 alone': at('ipam.enableIPv4', false),
  'no sysctls, a kubeconfig, NetworkManager': at('spiderpoolAgent', {
    tuneSysctlConfig: false,
    installKubeconfig: true,
    installNetworkManagerConf: true,
  }),
  'other folders': at('global', { cniBinHostPath: '/usr/libexec/cni', cniConfHostPath: '/var/lib/cni/net.d' }),
  'no reclaim, no clean-up': all(at('ipam.gc.enabled', false), at('spiderpoolController.cleanup.enable', false)),
  'clean-up of everything': at('spiderpoolController.cleanup', { deleteResources: true, deleteNodeFiles: true }),
  'the pod network': at('spiderpoolController.hostnetwork', false),
  'a node policy': at('spiderpoolController.nodePolicy', true),
  'further objects': {
    extraObjects: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: '{{ .Release.Name }}-x' } }],
  },
}
