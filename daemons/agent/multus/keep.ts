// Multus' files on the node: its kubeconfig, and last 00-multus.conf, by which the node gets Ready.
import { readdir, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { replaceFile, statIfAny, textIfAny } from '../../install/executables.js'
import { CNI_NAMES } from '../../install/plan.js'
import { codeOf, messageOf } from '../../../lib/errors.js'
import type { AccountKubeconfig } from '../node/kubeconfig.js'
import { clusterNetworkOf, confNames, isReplaceable, MULTUS_CONF, multusConf, type MultusSettings } from './plan.js'

const EXECUTABLE = 'multus'
/** As containerd's and Multus' own; it holds no secret. */
const CONF_MODE = 0o644

export interface MultusFolders {
  /** The node's /etc/cni/net.d and /opt/cni/bin as mounted here. */
  readonly confFolder: string
  readonly binFolder: string
}

export class MultusFiles {
  /** Why pods cannot start through Multus yet; undefined once all files are current. */
  fault: string | undefined = 'the files of Multus are not written yet'
  readonly #settings: MultusSettings
  readonly #folders: MultusFolders
  readonly #kubeconfig: AccountKubeconfig
  readonly #now: () => number
  readonly #sinceMs: number

  /** `now`: monotonic milliseconds. */
  constructor(parts: {
    readonly settings: MultusSettings
    readonly folders: MultusFolders
    readonly kubeconfig: AccountKubeconfig
    readonly now: () => number
  }) {
    this.#settings = parts.settings
    this.#folders = parts.folders
    this.#kubeconfig = parts.kubeconfig
    this.#now = parts.now
    this.#sinceMs = parts.now()
  }

  get path(): string {
    return join(this.#folders.confFolder, MULTUS_CONF)
  }

  /**
   * Writes what differs. Returns what was written, to be logged; undefined where nothing was.
   * @throws Error a sentence; `fault` is the same
   */
  async keep(): Promise<string | undefined> {
    try {
      const written = await this.#write()
      this.fault = undefined
      return written
    } catch (error) {
      this.fault = `${this.path}: ${messageOf(error)}`
      throw error
    }
  }

  /** The conf of others is looked at first: its kubeconfig may have the same name. */
  async #write(): Promise<string | undefined> {
    const current = await textIfAny(this.path)
    if (current !== undefined && !isReplaceable(current, this.#settings))
      throw new Error('it is of another installation of Multus; delete it, or set multus.multusCNI.install=false')
    const hasRenewed = await this.#kubeconfig.write()
    const { binFolder } = this.#folders
    for (const name of [EXECUTABLE, ...CNI_NAMES])
      if ((await statIfAny(join(binFolder, name))) === undefined)
        throw new Error(`${join(binFolder, name)} does not exist yet; without it no pod could start`)
    const network = clusterNetworkOf(this.#settings, await this.#confs(), this.#now() - this.#sinceMs)
    if (network === undefined)
      throw new Error('there is no CNI conf of a default network yet; name one by multus.multusCNI.defaultCniCRName')
    const text = multusConf(this.#settings, network)
    const isCurrent = text === current
    if (!isCurrent) await replaceFile(this.path, text, `${this.path}.part`, CONF_MODE)
    if (isCurrent) return hasRenewed ? `wrote ${this.#kubeconfig.path}` : undefined
    return `wrote ${this.path}, default network ${network}`
  }

  async #confs(): Promise<readonly { readonly file: string; readonly text: string }[]> {
    const confs = []
    for (const file of confNames(await readdir(this.#folders.confFolder))) {
      const text = await textIfAny(join(this.#folders.confFolder, file))
      if (text !== undefined) confs.push({ file, text })
    }
    return confs
  }

  /** Removes conf, kubeconfig and executable, in this order; nothing of another installation. */
  async remove(): Promise<readonly string[]> {
    const current = await textIfAny(this.path)
    if (current === undefined || !isReplaceable(current, this.#settings)) return []
    const removed = [this.path, this.#kubeconfig.path, join(this.#folders.binFolder, EXECUTABLE)]
    for (const path of removed) await rm(path, { force: true })
    await removeIfEmpty(dirname(this.#kubeconfig.path))
    return removed
  }
}

/** A folder with files of others stays. */
export async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder)
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY'].includes(codeOf(error))) throw error
  }
}
