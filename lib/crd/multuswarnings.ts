// Admission warnings for unknown keys in the confs of a SpiderMultusConfig. Pure.
import { sentenceOf, unknownKeys, type UnknownKey } from '../cni/unknown-keys.js'
import type { Keys } from '../cni/conf.js'
import { nearest } from '../edit-distance.js'
import { keys as coordinator } from '../../schemas/netconf/generated/coordinator.js'
import { keys as ifacer } from '../../schemas/netconf/generated/ifacer.js'
import { keys as ipam } from '../../schemas/netconf/generated/ipam.js'
import { keys as macvlan } from '../../schemas/netconf/generated/macvlan-wrapper.js'
import { isObject } from './guard.js'
import type { SpiderMultusConfig } from './multusconfig.js'

/** By the `type` of a conf. Not `macvlan`: the reference plugin has other keys. */
const PLUGINS: Readonly<Record<string, Keys>> = { coordinator, ifacer, 'macvlan-wrapper': macvlan }
const IPAMS: readonly unknown[] = ['spiderpool', 'spiderpool-ipam']

/** A sentence for each unknown key in `customCNI`, a conf or a conflist, and `chainCNIJsonData`. */
export function multusWarnings({ spec = {} }: SpiderMultusConfig): readonly string[] {
  const texts = [
    ['spec.customCNI', spec.customCNI ?? ''] as const,
    ...(spec.chainCNIJsonData ?? []).map((text, at) => [`spec.chainCNIJsonData[${at}]`, text] as const),
  ]
  return texts.flatMap(([field, text]) => unknownIn(text).map(key => `${field}: ${sentenceOf(key, nearest)}`))
}

type Fields = Readonly<Record<string, unknown>>

function unknownIn(text: string): readonly UnknownKey[] {
  let conf: unknown
  try {
    conf = JSON.parse(text)
  } catch {
    return [] // empty, or validation reports it
  }
  if (!isObject(conf)) return []
  const { plugins } = conf
  return (Array.isArray(plugins) ? plugins : [conf]).flatMap(one => (isObject(one) ? unknownOf(one) : []))
}

function unknownOf(conf: Fields): readonly UnknownKey[] {
  const { type, ipam: own } = conf
  const keys = typeof type === 'string' && Object.hasOwn(PLUGINS, type) ? PLUGINS[type] : undefined
  return [
    ...(keys ? unknownKeys(conf, keys, '') : []),
    ...(isObject(own) && IPAMS.includes(own['type']) ? unknownKeys(own, ipam, 'ipam.') : []),
  ]
}
