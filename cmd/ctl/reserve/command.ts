// `reserve`: addresses that no pod gets. Makes or extends a SpiderReservedIP.
import { validateReservedIP } from '../../../lib/crd/reservedip.js'
import type { SpiderIPAddress, SpiderIPPool, SpiderReservedIP } from '../../../lib/crd/types.js'
import { familyOf, ipOfObjectName, toBigint } from '../../../lib/ip/address.js'
import { formatRanges, includes, intersect } from '../../../lib/ip/range.js'
import { familyOfSpec, usableOf } from '../../../lib/crd/addressing.js'
import { isAlreadyExists, isConflict } from '../../../lib/kube/errors.js'
import { SPIDER_IPADDRESSES, SPIDER_IPPOOLS, SPIDER_RESERVEDIPS } from '../../../lib/kube/kinds.js'
import type { Cluster } from '../cluster.js'
import { printRows, printValue, type CtlCommand } from '../context.js'
import { counted } from '../output.js'
import { CtlError } from '../status.js'
import { ADDRESS_ROWS } from '../who/command.js'
import { rowOf } from '../who/decide.js'
import { rangesNamed, reservation, type NamedRanges, type Reservation } from './decide.js'

const DEFAULT_NAME = (family: number): string => `spiderpoolctl-ipv${family}`
const TRIES_MAX = 5
const NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/

/** `reserve RANGE [--name NAME]` */
export const reserve: CtlCommand<{ readonly name?: string }> = async (context, [text = ''], options) => {
  const { cluster, print, warn, format } = context
  const named = rangesNamed(text)
  if (typeof named === 'string')
    throw new CtlError('usage', `"${text}" ${named}; write 172.18.30.5, 172.18.30.5-172.18.30.9 or 172.18.30.0/28`)
  const name = options.name ?? DEFAULT_NAME(named.family)
  if (!NAME.test(name)) throw new CtlError('usage', `--name "${name}" is not the name of an object; write routers`)
  const did = await writeReservation(name, named, cluster)
  if (did.kind === 'refuse') throw new CtlError('usage', `SpiderReservedIP ${name} cannot be extended: ${did.why}`)
  const [addresses, pools] = await Promise.all([
    cluster.all<SpiderIPAddress>(SPIDER_IPADDRESSES),
    cluster.all<SpiderIPPool>(SPIDER_IPPOOLS),
  ])
  const covered = addresses.filter(({ metadata }) => {
    const ip = ipOfObjectName(metadata.name)
    return ip !== undefined && familyOf(ip) === named.family && includes(named.ranges, toBigint(ip))
  })
  const rows = covered.map(object => rowOf(object, ''))
  const texts = formatRanges(named.ranges, named.family)
  const what = { create: 'created', replace: 'extended', there: 'unchanged' }[did.kind]
  if (format === 'name') print(`spiderreservedip/${name}\n`)
  else if (!printValue(context, { name, change: what, ips: texts, allocated: rows })) {
    print(`spiderreservedip/${name} ${what}: ${texts.join(', ')}\n`)
    if (rows.length > 0) printRows(context, rows, ADDRESS_ROWS)
  }
  if (rows.length > 0)
    warn(
      `${counted(rows.length, 'address', 'addresses')} of it already allocated; each is reserved once it is released`,
    )
  if (!pools.some(pool => isTouched(pool, named)))
    warn('no pool has any of these addresses; the reservation has no effect yet')
  return 'ok'
}

const isTouched = ({ spec }: SpiderIPPool, { family, ranges }: NamedRanges): boolean =>
  familyOfSpec(spec) === family && intersect(usableOf(spec, family), ranges).length > 0

/**
 * Creates or extends the SpiderReservedIP.
 * @throws CtlError, KubeError
 */
export async function writeReservation(
  name: string,
  named: NamedRanges,
  { find, kube }: Cluster,
): Promise<Reservation> {
  for (let tries = 1; ; tries++) {
    const before = await find<SpiderReservedIP>(SPIDER_RESERVEDIPS, { name })
    const wanted = reservation(name, named, before)
    if (wanted.kind === 'there' || wanted.kind === 'refuse') return wanted
    const [fault] = validateReservedIP(wanted.object, before)
    if (fault) throw new CtlError('usage', `SpiderReservedIP ${name}: ${fault.field}: ${fault.why}`)
    try {
      if (wanted.kind === 'create') await kube.create(SPIDER_RESERVEDIPS, wanted.object)
      else await kube.replace(SPIDER_RESERVEDIPS, wanted.object)
      return wanted
    } catch (error) {
      if (tries === TRIES_MAX || !(isConflict(error) || isAlreadyExists(error))) throw error
    }
  }
}
