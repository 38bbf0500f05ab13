// Starts the pods of the demo: Multus attaches their interfaces, and each runs a resident program.
import type { Api } from './api.js'
import { deploy, sandboxes } from './cluster.js'
import { add, type Attachment } from './multus.js'
import type { Application } from './objects.js'
import { startResident, type Resident } from './residents.js'
import type { Host } from './reachability.js'

/** A pod with its interfaces, and the netns where its resident runs. */
export interface Pod {
  readonly attachment: Attachment
  readonly nics: ReadonlyMap<string, Host>
  /** Duration of all its ADDs. */
  readonly ms: number
}

export type Residents = Map<string, Resident>

export async function addResident(residents: Residents, netnsName: string): Promise<void> {
  residents.set(netnsName, await startResident(netnsName))
}

/** Starts the pods of an application, `{ netnsName: node }`, concurrently. */
export async function start(
  api: Api,
  { app, on, residents }: { app: Application; on: Readonly<Record<string, string>>; residents: Residents },
): Promise<readonly Pod[]> {
  const pods = await deploy(api, app, Object.values(on))
  const attachments = await sandboxes(pods, Object.keys(on))
  return Promise.all(
    attachments.map(async attachment => {
      const pod = await podOf(api, attachment, on[attachment.netnsName] ?? '')
      await addResident(residents, attachment.netnsName)
      return pod
    }),
  )
}

async function podOf(api: Api, attachment: Attachment, node: string): Promise<Pod> {
  const { ips, ms } = await add(api, attachment)
  const nics = [...ips].map(([nic, prefixes]) => {
    const addresses = prefixes.map(prefix => prefix.replace(/\/.*/, ''))
    const v4 = addresses.find(address => !address.includes(':'))
    const v6 = addresses.find(address => address.includes(':'))
    if (v4 === undefined || v6 === undefined)
      throw new Error(`${nic} got no address of both families: ${prefixes.join()}`)
    return [nic, { netnsName: attachment.netnsName, node, address: { 4: v4, 6: v6 } }] as const
  })
  return { attachment, nics: new Map(nics), ms }
}

export function nicOf({ nics, attachment }: Pod, nic = 'eth0'): Host {
  const found = nics.get(nic)
  if (found === undefined) throw new Error(`ADD gave ${attachment.netnsName} no ${nic}`)
  return found
}
