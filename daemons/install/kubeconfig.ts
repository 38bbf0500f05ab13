// The kubeconfig of the CNI executables on a node: written where it differs, from the pod's service
// account.
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { messageOf } from '../../lib/errors.js'
import { replaceFile, statIfAny } from './executables.js'
import { accountFault, type Account } from './plan.js'

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'
/** Infix of a kubeconfig's temporary file; an installer that was killed leaves one. */
const PART = '.part-'

/**
 * The pod's service account. `program` names who asks.
 * @throws Error a sentence where there is none or its token is empty.
 */
export async function accountHere(program: string): Promise<Account> {
  const read = async (name: string): Promise<string> => {
    try {
      return await readFile(join(ACCOUNT, name), 'utf8')
    } catch (error) {
      throw new Error(
        `${ACCOUNT}/${name} cannot be read: ${messageOf(error)}; ${program} runs in a pod with a service account (automountServiceAccountToken)`,
      )
    }
  }
  const account = { token: (await read('token')).trim(), ca: await read('ca.crt') }
  const fault = accountFault(account)
  if (fault !== undefined) throw new Error(`${fault} (${ACCOUNT})`)
  return account
}

/** Its path in the node's /etc/cni/net.d. */
export const kubeconfigIn = (confFolder: string): string => join(confFolder, 'spiderpool.d/spiderpool.kubeconfig')

/** Writes the content, mode 0600, where it differs. True where it was written. */
export async function writeKubeconfig(path: string, content: string, pid: number): Promise<boolean> {
  if (await isCurrent(path, content)) return false
  const folder = dirname(path)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const left = `${basename(path)}${PART}`
  for (const name of (await readdir(folder)).filter(one => one.startsWith(left))) await rm(join(folder, name))
  await replaceFile(path, content, `${path}${PART}${pid}`)
  return true
}

async function isCurrent(path: string, content: string): Promise<boolean> {
  const current = await statIfAny(path)
  return current?.isFile() === true && (current.mode & 0o777) === 0o600 && (await readFile(path, 'utf8')) === content
}
