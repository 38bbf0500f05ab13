// GC: the runtime's list of what is still attached. A hint that only marks: an address is freed for what the API server says of its pod.
import type { Call } from '../cni/plugin.js'
import { ANNOTATION_UNATTACHED } from '../crd/names.js'
import { ipamConf } from './conf.js'
import { JOURNAL_DIR, journalAt, journalsIn, type Attachment } from './journal.js'
import type { Port } from './port.js'
import { reach, refusalOf } from './session.js'

type Gc = Pick<Call<unknown>, 'command' | 'config' | 'env' | 'name' | 'validAttachments'>

/** Marks what ADDs that were killed on this node took and no container of the list uses; whoever reclaims sees since when. */
export async function ipamGc({ command, config, env, name, validAttachments }: Gc): Promise<void> {
  const conf = ipamConf(config)
  const isValid = ({ containerID, nic }: Attachment): boolean =>
    validAttachments.some(valid => valid.containerID === containerID && valid.ifname === nic)
  const left = journalsIn(JOURNAL_DIR).filter(attachment => attachment.network === name && !isValid(attachment))
  if (left.length === 0) return
  try {
    const { port } = await reach(conf, { command, env })
    for (const attachment of left)
      for (const address of journalAt(JOURNAL_DIR, attachment).read()) await mark(address, attachment, port)
  } catch (error) {
    throw refusalOf('spiderpool GC error', error)
  }
}

async function mark(name: string, { containerID }: Attachment, port: Port): Promise<void> {
  const object = await port.address(name)
  if (object?.spec.containerID !== containerID || object.metadata.annotations?.[ANNOTATION_UNATTACHED]) return
  const annotations = { ...object.metadata.annotations, [ANNOTATION_UNATTACHED]: new Date().toISOString() }
  await port.adopt({ ...object, metadata: { ...object.metadata, annotations } })
}
