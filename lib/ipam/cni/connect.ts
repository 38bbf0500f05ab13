// Where the Store of a call comes from: the API server, or what the caller passes instead.
import { kubeconfigOf } from '../../cni/allowed-files.js'
import { deadlineOf } from '../../cni/conf.js'
import type { Call } from '../../cni/plugin.js'
import { kubeStore } from '../store/kube.js'
import type { Journal, Store } from '../store/store.js'
import type { IpamConf } from './conf.js'

export interface StoreSession {
  readonly store: Store
  /** What the call has cost the API server so far, for the log. */
  cost(): Readonly<Record<string, number>>
  /**
   * The Store for a second try of an ADD: one without a cache, where the first may have failed
   * because of its cache and has left nothing behind.
   */
  retryOf?(error: unknown): Store | undefined
  /** The journal of the call; it is closed later where the record is written behind the answer. */
  journalOf?(journal: Journal): Journal
  /** Begins a new deadline, for an undo after the call. */
  renew?(): void
}

/** Where the Store of a call comes from: the API server, or the cache of the node agent. */
export type Connect = (conf: IpamConf, call: ConnectingCall) => Promise<StoreSession>

/** The rest only of a call about a container. */
export type ConnectingCall = Pick<Call<unknown>, 'command' | 'env'> &
  Partial<Pick<Call<unknown>, 'args' | 'containerID'>>

/**
 * The Store on the API server. The client is loaded lazily: VERSION and a bad conf do not need it.
 */
export async function connectStore(
  conf: IpamConf,
  { command, env }: Pick<Call<unknown>, 'command' | 'env'>,
): Promise<StoreSession> {
  const { connectFrom } = await import('../../kube/open.js')
  const kubeconfig = kubeconfigOf({ path: conf.kubeconfig ?? '', key: 'ipam.kubeconfig' }, env)
  const kube = connectFrom({ kubeconfig, env, deadline: deadlineOf(command, conf.timeouts, 'ipam.timeouts') })
  const direct = kubeStore(kube)
  let taken = 0
  const claim: Store['createAddress'] = async object => {
    const outcome = await direct.createAddress(object)
    if (outcome.kind === 'taken') taken++
    return outcome
  }
  const cost = () => ({ requests: kube.requests, sent: kube.bytes.sent, received: kube.bytes.received, taken })
  return { store: { ...direct, createAddress: claim }, cost }
}
