// The files by which Multus runs on a node: its conf, and the kubeconfig that the conf names. Pure.

export interface MultusSettings {
  /** A NetworkAttachmentDefinition's name; '' takes the node's first CNI conf. */
  readonly clusterNetwork: string
  /** Namespace of the NetworkAttachmentDefinitions of the cluster's networks. */
  readonly namespace: string
  /** The node's /etc/cni/net.d, as the node names it. */
  readonly hostFolder: string
  readonly logLevel: string
  readonly logFile: string
}

/** The kubelet and containerd take the first conf by name. */
export const MULTUS_CONF = '00-multus.conf'
/** Relative to the folder of CNI confs. */
export const MULTUS_KUBECONFIG = 'multus.d/multus.kubeconfig'
/** Name of the conf's own network, as Multus' installer has it. */
const NETWORK_NAME = 'multus-cni-network'
/** NetworkAttachmentDefinition of a node without a conf; init creates it where none is there. */
const NETWORK_DEFAULT = 'default'
/** Another network's agent, such as Calico's, writes its conf after it has started. */
const CONF_WAIT_MS = 30_000

/** One file of the folder of CNI confs. */
export interface ConfFile {
  readonly file: string
  readonly text: string
}

const isConf = (file: string): boolean => /\.(conf|conflist|json)$/.test(file) && !file.includes('multus')

/** Names of the CNI confs of other networks, in the kubelet's order. */
export const confNames = (files: readonly string[]): readonly string[] => files.filter(isConf).sort()

/** The network of the first conf that has a name; undefined where there is none. */
export function firstNetwork(files: readonly ConfFile[]): string | undefined {
  for (const { text } of files) {
    const name = objectIn(text)?.['name']
    if (typeof name === 'string' && name !== '') return name
  }
  return undefined
}

/**
 * The default network: the named one, else that of the node's first conf, else after a while
 * `default`. Undefined while a conf may still come.
 */
export function clusterNetworkOf(
  { clusterNetwork }: MultusSettings,
  files: readonly ConfFile[],
  waitedMs: number,
): string | undefined {
  if (clusterNetwork !== '') return clusterNetwork
  return firstNetwork(files) ?? (waitedMs >= CONF_WAIT_MS ? NETWORK_DEFAULT : undefined)
}

/** 00-multus.conf for this default network. */
export function multusConf(
  { namespace, hostFolder, logLevel, logFile }: MultusSettings,
  clusterNetwork: string,
): string {
  const conf = {
    cniVersion: '0.3.1',
    name: NETWORK_NAME,
    type: 'multus',
    confDir: `${hostFolder}/`,
    logLevel,
    logFile,
    logOptions: { maxSize: 100, maxAge: 5, maxBackups: 5, compress: true },
    capabilities: { portMappings: true, bandwidth: true },
    namespaceIsolation: false,
    clusterNetwork,
    defaultNetworks: [],
    multusNamespace: namespace,
    systemNamespaces: [],
    kubeconfig: `${hostFolder}/${MULTUS_KUBECONFIG}`,
  }
  return `${JSON.stringify(conf, undefined, 2)}\n`
}

/**
 * Whether an existing 00-multus.conf may be replaced: it is ours, or that of Spiderpool's own
 * chart. Multus' own installer writes `delegates` and no clusterNetwork.
 */
export function isReplaceable(text: string, { namespace, hostFolder }: MultusSettings): boolean {
  const conf = objectIn(text)
  return (
    conf !== undefined &&
    conf['type'] === 'multus' &&
    typeof conf['clusterNetwork'] === 'string' &&
    conf['delegates'] === undefined &&
    conf['multusNamespace'] === namespace &&
    conf['kubeconfig'] === `${hostFolder}/${MULTUS_KUBECONFIG}`
  )
}

function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
