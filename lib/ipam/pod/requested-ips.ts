// The requested addresses of a call: read from conf and CNI_ARGS. Pure.
import { familyOf, parseIp, type Ip } from '../../ip/address.js'
import { parsePrefix } from '../../ip/cidr.js'
import type { EndpointNic } from '../../crd/types.js'
import { addressesOf } from '../allocation/endpoint.js'
import { wrongInput } from '../errors.js'

/** One requested address, and its source. */
export interface RequestedIp {
  readonly ip: Ip
  /** Prefix length, where it was written with one. */
  readonly length: number | undefined
  /** The source for messages: `runtimeConfig.ips[0]`. */
  readonly from: string
}

/** Sources: capability `ips` and args.cni (CNI conventions), IP of CNI_ARGS. */
export interface RequestSources {
  readonly runtimeConfigIps: unknown
  readonly argsIps: unknown
  readonly ip: string
}

/**
 * The requested addresses without duplicates, at most one of each family.
 * @throws Refused `wrongInput` that names the source and its value
 */
export function requestedIpsIn({ runtimeConfigIps, argsIps, ip }: RequestSources): readonly RequestedIp[] {
  const all = [
    ...listed(runtimeConfigIps, 'runtimeConfig.ips'),
    ...listed(argsIps, 'args.cni.ips'),
    ...(ip === '' ? [] : ip.split(',').map(text => parsed(text.trim(), `IP=${ip} of CNI_ARGS`))),
  ]
  const once: RequestedIp[] = []
  for (const one of all) {
    const same = once.find(other => other.ip === one.ip)
    if (same && same.length !== undefined && one.length !== undefined && same.length !== one.length)
      throw wrongInput(
        `${one.from} asks for ${one.ip}/${one.length} and ${same.from} for ${same.ip}/${same.length}; give one prefix length`,
      )
    if (same) {
      if (same.length === undefined) once[once.indexOf(same)] = { ...same, length: one.length }
      continue
    }
    const other = once.find(earlier => familyOf(earlier.ip) === familyOf(one.ip))
    if (other)
      throw wrongInput(
        `${one.from} asks for ${one.ip} and ${other.from} for ${other.ip}: an interface has one IPv${familyOf(one.ip)} address; ask for one of them`,
      )
    once.push(one)
  }
  return once
}

function listed(value: unknown, key: string): readonly RequestedIp[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value) || !value.every((one): one is string => typeof one === 'string'))
    throw wrongInput(`${key} is ${JSON.stringify(value)}; write a list of IP addresses, ["172.18.30.5"]`)
  return value.map((text, at) => parsed(text, `${key}[${at}]`))
}

function parsed(text: string, from: string): RequestedIp {
  const prefix = text.includes('/') ? parsePrefix(text) : undefined
  const ip = prefix?.ip ?? (text.includes('/') ? undefined : parseIp(text))
  if (ip === undefined)
    throw wrongInput(`${from} is "${text}"; write an IPv4 or IPv6 address, with or without its prefix length`)
  return { ip, length: prefix?.length, from }
}

/** True where the interface has every requested address. */
export const hasAll = (nic: EndpointNic, requested: readonly RequestedIp[]): boolean =>
  requested.every(({ ip }) => addressesOf(nic).some(({ address }) => parsePrefix(address)?.ip === ip))
