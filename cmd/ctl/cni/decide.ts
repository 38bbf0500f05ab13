// The confs of the plugins of a network, as libcni sends them. Pure.

type Fields = Readonly<Record<string, unknown>>

export interface PluginConf {
  readonly type: string
  readonly conf: Fields
  readonly isOurIpam: boolean
}

export interface NetworkList {
  readonly name: string
  readonly cniVersion: string
  readonly plugins: readonly PluginConf[]
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const textOf = (fields: Fields, key: string): string => {
  const value = fields[key]
  return typeof value === 'string' ? value : ''
}

const OUR_IPAM = ['spiderpool', 'spiderpool-ipam']
const DEFAULT_VERSION = '0.1.0'

/** The plugins of a conf or a conflist; a sentence where there are none. */
export function pluginsOf(conf: unknown): NetworkList | string {
  if (!isFields(conf)) return 'it is not a JSON object'
  const listed = conf['plugins']
  const confs = Array.isArray(listed) ? (listed as readonly unknown[]) : [conf]
  const name = textOf(conf, 'name')
  if (name === '') return 'name is missing'
  const plugins: PluginConf[] = []
  for (const [at, one] of confs.entries()) {
    if (!isFields(one) || textOf(one, 'type') === '') return `plugins[${at}].type is missing`
    const { ipam } = one
    plugins.push({
      type: textOf(one, 'type'),
      conf: one,
      isOurIpam: isFields(ipam) && OUR_IPAM.includes(textOf(ipam, 'type')),
    })
  }
  if (plugins.length === 0) return 'plugins is empty'
  return { name, cniVersion: textOf(conf, 'cniVersion') || DEFAULT_VERSION, plugins }
}

/** The conf of one plugin: with name and version of the list, and the result before it. */
export const confFor = ({ name, cniVersion }: NetworkList, { conf }: PluginConf, prevResult: unknown): Fields => ({
  ...conf,
  name,
  cniVersion,
  ...(prevResult !== undefined && { prevResult }),
})
