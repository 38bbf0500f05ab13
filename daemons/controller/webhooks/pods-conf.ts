// podResourceInject of conf.yml: whether pods choose networks by an annotation, and in which
// namespaces.
import { ConfFileError } from '../../runtime/conf-file.js'

export interface PodsConf {
  readonly exclude: readonly string[]
  readonly include: readonly string[]
}

const KEY = 'podResourceInject'
const fault = (field: string, value: unknown, remedy: string): ConfFileError =>
  new ConfFileError(KEY, `${KEY}${field} of the configuration file is ${JSON.stringify(value)}; ${remedy}`)

/**
 * Parses `{enabled, namespacesExclude, namespacesInclude}`; undefined where it is disabled.
 * @throws ConfFileError for a value of another type.
 */
export function podsIn(value: unknown): PodsConf | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'object' || Array.isArray(value)) throw fault('', value, 'give enabled: true or false below it')
  const { enabled = false, namespacesExclude, namespacesInclude } = value as Readonly<Record<string, unknown>>
  if (typeof enabled !== 'boolean') throw fault('.enabled', enabled, 'give true or false')
  const lists = {
    exclude: namesIn('.namespacesExclude', namespacesExclude),
    include: namesIn('.namespacesInclude', namespacesInclude),
  }
  return enabled ? lists : undefined
}

function namesIn(field: string, value: unknown): readonly string[] {
  if (value === undefined || value === null) return []
  if (Array.isArray(value) && value.every(one => typeof one === 'string')) return value
  throw fault(field, value, 'give a list of names of namespaces')
}
