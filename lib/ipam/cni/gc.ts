// GC: marks addresses that are missing from the runtime's valid attachments. Releases nothing: that
// is decided by the state of the pod on the API server.
import type { Call } from '../../cni/plugin.js'
import { ANNOTATION_UNATTACHED } from '../../crd/names.js'
import { ipamConf } from './conf.js'
import { JOURNAL_DIR, journalAt, journalsIn, type JournalKey } from '../store/journal.js'
import type { Store } from '../store/store.js'
import { connectStore, type Connect } from './connect.js'
import { refusalOf } from './session.js'

type Gc = Pick<Call<unknown>, 'command' | 'config' | 'env' | 'name' | 'validAttachments'>

/**
 * Marks the addresses of killed ADDs on this node whose attachment is not valid, with the time for
 * address GC.
 * @throws CniError
 */
export async function ipamGc(
  { command, config, env, name, validAttachments }: Gc,
  connect: Connect = connectStore,
): Promise<void> {
  const conf = ipamConf(config)
  const isValid = ({ containerID, nic }: JournalKey): boolean =>
    validAttachments.some(valid => valid.containerID === containerID && valid.ifname === nic)
  const left = journalsIn(JOURNAL_DIR).filter(attachment => attachment.network === name && !isValid(attachment))
  if (left.length === 0) return
  try {
    const { store } = await connect(conf, { command, env })
    for (const attachment of left)
      for (const address of journalAt(JOURNAL_DIR, attachment).read()) await mark(address, attachment, store)
  } catch (error) {
    throw refusalOf('spiderpool GC error', error)
  }
}

async function mark(name: string, { containerID }: JournalKey, store: Store): Promise<void> {
  const object = await store.address(name)
  if (object?.spec.containerID !== containerID || object.metadata.annotations?.[ANNOTATION_UNATTACHED]) return
  const annotations = { ...object.metadata.annotations, [ANNOTATION_UNATTACHED]: new Date().toISOString() }
  await store.updateAddress({ ...object, metadata: { ...object.metadata, annotations } })
}
