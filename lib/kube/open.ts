// From what a conf and the environment say to a client. PROVISIONAL loader
import { readFileSync } from 'node:fs'
import { connect, type Kube } from './client.js'
import { CniError } from '../cni/error.js'

export async function connectFrom({
  kubeconfig,
  env,
}: {
  readonly kubeconfig: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
}): Promise<Kube> {
  const path = kubeconfig ?? env['KUBECONFIG'] ?? '/etc/cni/net.d/spiderpool.d/spiderpool.kubeconfig'
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new CniError('invalidConfig', `kubeconfig ${path} cannot be read`, '', { cause: error })
  }
  const value = (text.startsWith('{') ? JSON.parse(text) : Bun.YAML.parse(text)) as {
    clusters: { cluster: Record<string, string> }[]
    users: { user: Record<string, string> }[]
  }
  const cluster = value.clusters[0]?.cluster ?? {}
  const user = value.users[0]?.user ?? {}
  const b64 = (t: string | undefined) => (t === undefined ? undefined : Buffer.from(t, 'base64').toString())
  const ca = b64(cluster['certificate-authority-data'])
  return connect({
    server: cluster['server'] ?? '',
    ...(ca !== undefined && { tls: { ca } }),
    ...(user['token'] !== undefined && { authorization: () => `Bearer ${user['token']}` }),
  })
}
