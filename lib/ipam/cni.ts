// The IPAM as CNI asks for it, for the executable and for a main plugin that runs it in its own process. The edge: log, errors, codes.
import { CniError } from '../cni/error.js'
import type { Call } from '../cni/plugin.js'
import type { Result } from '../cni/result.js'
import { KubeError } from '../kube/errors.js'
import { openLog, type Log } from '../log.js'
import { add, Refused, type Granted } from './add.js'
import { NoPool } from './choose.js'
import { ipamConf, type IpamConf } from './conf.js'
import { directPort } from './direct.js'
import { addressesOf, nicOf } from './endpoint.js'
import { JOURNAL_DIR, journalAt } from './journal.js'
import type { Journal, ObjectRef, Port } from './port.js'
import { release } from './release.js'
import { answerOf } from './result.js'
import { WrongInput } from './sources.js'

export interface Claimed {
  readonly result: Result
  /** For a main plugin that fails after us: gives back what this ADD took, and only that. */
  undo(): Promise<void>
}

const ADD_FAILED = 'spiderpool IP allocation error'
const DEL_FAILED = 'spiderpool IP release error'
const AGENT_NAMESPACE = 'kube-system'

interface Session {
  readonly conf: IpamConf
  readonly log: Log
  readonly pod: ObjectRef
  readonly podUid: string
  readonly journal: Journal
}

function sessionOf(call: Call<unknown>): Session {
  const conf = ipamConf(call.config)
  const log = openLog({
    level: conf.logLevel,
    file: conf.logFile,
    maxSizeMb: conf.logMaxSize,
    maxAgeDays: conf.logMaxAge,
    maxCount: conf.logMaxCount,
  })
  const name = argument(call, 'K8S_POD_NAME')
  const namespace = argument(call, 'K8S_POD_NAMESPACE')
  const journal = journalAt(JOURNAL_DIR, { containerID: call.containerID, nic: call.ifName })
  return { conf, log, pod: { namespace, name }, podUid: call.args.get('K8S_POD_UID') ?? '', journal }
}

function argument(call: Call<unknown>, key: string): string {
  const value = call.args.get(key) ?? ''
  if (value === '')
    throw new CniError(
      'invalidEnv',
      `CNI_ARGS has no ${key}; the runtime must pass the pod, as in ${key}=…`,
      call.env['CNI_ARGS'] ?? '',
    )
  return value
}

interface Reach {
  readonly port: Port
  /** What the call has cost the API server so far, for the log. */
  cost(): Readonly<Record<string, number>>
}

/** Loaded late: STATUS of a broken conf, VERSION and the like need no API client. */
async function reach({ conf }: Pick<Session, 'conf'>, env: Call<unknown>['env']): Promise<Reach> {
  const { connectFrom } = await import('../kube/open.js')
  const kube = await connectFrom({ kubeconfig: conf.kubeconfig, env })
  const direct = directPort(kube)
  let taken = 0
  const claim: Port['claim'] = async object => {
    const outcome = await direct.claim(object)
    if (outcome.kind === 'taken') taken++
    return outcome
  }
  const cost = () => ({ requests: kube.requests, sent: kube.bytes.sent, received: kube.bytes.received, taken })
  return { port: { ...direct, claim }, cost }
}

export async function ipamClaim(call: Call<unknown>): Promise<Claimed> {
  const session = sessionOf(call)
  const { log, journal, pod } = session
  const fields = {
    command: 'ADD',
    containerID: call.containerID,
    ifName: call.ifName,
    pod: `${pod.namespace}/${pod.name}`,
  }
  try {
    const { port, cost } = await reach(session, call.env)
    const granted = await add(
      {
        pod,
        podUid: session.podUid,
        nic: call.ifName,
        containerID: call.containerID,
        conf: session.conf,
        cleanGateway: session.conf.cleanGateway,
        agentNamespace: call.env['SPIDERPOOL_AGENT_NAMESPACE'] ?? AGENT_NAMESPACE,
        clusterNetwork: call.env['MULTUS_CLUSTER_NETWORK'] ?? '',
      },
      { port, journal, random: Math.random },
    )
    log.info('address allocated', { ...fields, nic: granted.nic, ...cost() })
    return { result: resultOf(granted, call.ifName), undo: () => granted.undo() }
  } catch (error) {
    log.error(ADD_FAILED, { ...fields, error: String(error) })
    throw refusal(ADD_FAILED, error)
  }
}

function resultOf({ nic }: Granted, ifName: string): Result {
  const { ips, routes } = answerOf(nic)
  if (ips.length === 0) throw new Refused(`no Interface ${ifName} IP allocation found`)
  return { ips, ...(routes.length > 0 && { routes }) }
}

export const ipamAdd = async (call: Call<unknown>): Promise<Result> => (await ipamClaim(call)).result

/** Never fails for what an API server does: the pod's other plugins must get their DEL. What is left is reclaimed later, and logged. */
export async function ipamDel(call: Call<unknown>): Promise<void> {
  const session = sessionOf(call)
  const { log, journal, pod, podUid } = session
  const fields = {
    command: 'DEL',
    containerID: call.containerID,
    ifName: call.ifName,
    pod: `${pod.namespace}/${pod.name}`,
  }
  try {
    const { port, cost } = await reach(session, call.env)
    const released = await release({ pod, podUid, containerID: call.containerID }, { port, journal })
    log.info(released.kind === 'kept' ? 'addresses kept' : 'addresses released', { ...fields, ...released, ...cost() })
  } catch (error) {
    log.error(DEL_FAILED, { ...fields, error: String(error) })
  }
}

/** The record, the address objects and prevResult say the same. */
export async function ipamCheck(call: Call<unknown>): Promise<void> {
  const session = sessionOf(call)
  try {
    const { port } = await reach(session, call.env)
    const endpoint = await port.endpoint(session.pod)
    const nic = endpoint && nicOf(endpoint, call.ifName)
    const where = `SpiderEndpoint ${session.pod.namespace}/${session.pod.name}`
    if (!nic) throw new Refused(`${where} has no address for ${call.ifName}`)
    for (const { address } of addressesOf(nic)) {
      const { ip, objectName } = await namesOf(address)
      const object = await port.address(objectName)
      if (object?.spec.pod.uid !== endpoint.status.current.uid)
        throw new Refused(
          `${ip} of ${call.ifName} is ${object ? `held by pod ${object.spec.pod.namespace}/${object.spec.pod.name}` : 'no longer held'}`,
        )
      if (call.prevResult && !call.prevResult.ips?.some(({ address: text }) => text === address))
        throw new Refused(`${address} of ${where} is not in prevResult`)
    }
  } catch (error) {
    throw refusal('spiderpool IP check error', error)
  }
}

async function namesOf(address: string): Promise<{ readonly ip: string; readonly objectName: string }> {
  const { parsePrefix } = await import('../ip/cidr.js')
  const { objectNameOf } = await import('../ip/address.js')
  const ip = parsePrefix(address)?.ip
  if (ip === undefined) throw new Refused(`${address} is not an address`)
  return { ip, objectName: objectNameOf(ip) }
}

/** Would an ADD find its API server and its pools? */
export async function ipamStatus(call: Pick<Call<unknown>, 'config' | 'env'>): Promise<void> {
  const conf = ipamConf(call.config)
  try {
    const { port } = await reach({ conf }, call.env)
    await port.pools()
  } catch (error) {
    throw new CniError('notAvailable', `no address can be allocated: ${messageOf(error)}`)
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Our refusals are final for now (999, as the runtime's users know it); an API server that is away or busy is worth another try (11). */
function refusal(prefix: string, error: unknown): CniError {
  const message = `${prefix}: ${messageOf(error)}`
  if (error instanceof CniError) return new CniError(error.kind, message, error.details, { cause: error })
  if (error instanceof Refused || error instanceof NoPool || error instanceof WrongInput)
    return new CniError('internal', message)
  if (error instanceof KubeError && error.reason === 'BadConfig') return new CniError('invalidConfig', message)
  const isTransient = error instanceof KubeError && (error.status === 0 || error.status === 429 || error.status >= 500)
  return new CniError(isTransient ? 'tryAgain' : 'internal', message, '', { cause: error })
}
