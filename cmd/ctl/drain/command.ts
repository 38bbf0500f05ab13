// `pool drain`: no pod gets an address of the pool any more; shows who is left, and waits.
import { IPAM_LABEL_POOL_UID } from '../../../lib/crd/names.js'
import type { SpiderIPAddress } from '../../../lib/crd/types.js'
import { sizeOf } from '../../../lib/ip/range.js'
import { SPIDER_IPADDRESSES, SPIDER_IPPOOLS } from '../../../lib/kube/kinds.js'
import type { Cluster } from '../cluster.js'
import { printRows, printValue, type CtlCommand } from '../context.js'
import { millisecondsOf } from '../duration.js'
import { poolFacts } from '../facts.js'
import { counted } from '../output.js'
import { poolNamed } from '../pool/command.js'
import { ADDRESS_ROWS } from '../who/command.js'
import { rowOf, type AddressRow } from '../who/decide.js'

interface DrainOptions {
  readonly wait?: boolean
  readonly timeout?: string
}

const POLL_MS = 1_000

/** `pool drain NAME [--wait] [--timeout 10m]` */
export const poolDrain: CtlCommand<DrainOptions> = async (context, [name = ''], { wait = false, timeout = '10m' }) => {
  const { cluster, warn, print, format } = context
  const endMs = performance.now() + millisecondsOf(timeout, '--timeout')
  const before = await poolNamed(name, cluster)
  const wasDisabled = before.spec.disable === true
  if (!wasDisabled) await cluster.kube.patch(SPIDER_IPPOOLS, { name }, { spec: { disable: true } }, 'merge')
  const isText = format === 'table' || format === 'wide'
  if (isText)
    print(`spiderippool/${name} ${wasDisabled ? 'is disabled already' : 'disabled'}: no pod gets an address of it\n`)
  let left = await leftIn(name, cluster)
  for (let said = ''; wait && !isEmpty(left) && performance.now() < endMs; left = await leftIn(name, cluster)) {
    const now = counted(BigInt(left.rows.length) + left.recorded, 'address', 'addresses')
    if (said !== now) warn(`${now} of pool ${name} left`)
    said = now
    await Bun.sleep(Math.min(POLL_MS, Math.max(0, endMs - performance.now())))
  }
  const { rows, recorded } = left
  if (format === 'name') printRows(context, rows, ADDRESS_ROWS)
  else if (!printValue(context, { pool: name, disabled: true, left: rows, recordedByGo: Number(recorded) })) {
    printRows(context, rows, ADDRESS_ROWS)
    if (rows.length === 0) print('no address of it is left\n')
  }
  if (recorded > 0n)
    warn(`Go agents recorded ${counted(recorded, 'further address', 'further addresses')} in status.allocatedIPs of it`)
  return isEmpty(left) ? 'ok' : 'no'
}

interface Left {
  readonly rows: readonly AddressRow[]
  /** Addresses that only status.allocatedIPs has. */
  readonly recorded: bigint
}

async function leftIn(name: string, cluster: Cluster): Promise<Left> {
  const pool = await poolNamed(name, cluster)
  const labelSelector = `${IPAM_LABEL_POOL_UID}=${pool.metadata.uid ?? ''}`
  const held = await cluster.all<SpiderIPAddress>(SPIDER_IPADDRESSES, { labelSelector })
  return { rows: held.map(object => rowOf(object, '')), recorded: sizeOf(poolFacts(pool, held, []).recorded) }
}

const isEmpty = ({ rows, recorded }: Left): boolean => rows.length === 0 && recorded === 0n
