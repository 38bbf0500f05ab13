// `bundle`: a support archive, without tokens, keys and certificates.
import { existsSync, writeFileSync } from 'node:fs'
import { messageOf } from '../../../lib/errors.js'
import { printValue, type CtlCommand } from '../context.js'
import { counted } from '../output.js'
import { CtlError } from '../status.js'
import { collected } from './collect.js'

interface BundleOptions {
  readonly file?: string
  readonly node?: boolean
  readonly logDir?: string
  readonly confDir?: string
}

const LOG_DIR = '/var/log/spidernet'
const CONF_DIR = '/etc/cni/net.d'
/** Only for the one who made it: redaction knows forms, not every secret. */
const MODE = 0o600

/** `bundle [--file F] [--node]` */
export const bundle: CtlCommand<BundleOptions> = async (context, _, options) => {
  const { cluster, now, print, warn } = context
  const stamp = new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const { file = `spiderpool-bundle-${stamp}.tar.gz`, logDir = LOG_DIR, confDir = CONF_DIR } = options
  if (existsSync(file)) throw new CtlError('usage', `--file ${file} exists; name another one`)
  const files = await collected(cluster, { now })
  if (options.node === true) {
    const { nodeFiles } = await import('./node.js')
    const own = nodeFiles({ logs: logDir, confs: confDir })
    for (const [path, text] of own.files) files.set(path, text)
    if (own.missing.length > 0) files.set('missing.txt', `${files.get('missing.txt') ?? ''}${own.missing.join('\n')}\n`)
  }
  const folder = `spiderpool-bundle-${stamp}`
  const archive = new Bun.Archive(Object.fromEntries([...files].map(([path, text]) => [`${folder}/${path}`, text])), {
    compress: 'gzip',
  })
  const bytes = await archive.bytes()
  try {
    writeFileSync(file, bytes, { flag: 'wx', mode: MODE })
  } catch (error) {
    throw new CtlError('usage', `--file ${file} cannot be written: ${messageOf(error)}`, { cause: error })
  }
  const missing = (files.get('missing.txt') ?? '').split('\n').filter(line => line !== '')
  if (context.format === 'name') print(`${file}\n`)
  else if (!printValue(context, { file, bytes: bytes.length, files: [...files.keys()], missing }))
    print(
      `${file}: ${counted(files.size, 'file')}, ${counted(bytes.length, 'byte')}; look through it before you send it\n`,
    )
  if (missing.length > 0) warn(`${counted(missing.length, 'part')} could not be read; missing.txt names them`)
  return 'ok'
}
