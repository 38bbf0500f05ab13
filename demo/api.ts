// The demo's API client: create, read, delete; tables by kubectl, else by the server's own tables.
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { parse } from 'yaml'
import { run } from './external-host.js'

export interface KubeObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name?: string
    readonly generateName?: string
    readonly namespace?: string
    readonly uid?: string
    readonly [key: string]: unknown
  }
  readonly [key: string]: unknown
}

interface Kubeconfig {
  readonly clusters: readonly [
    { readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string } },
  ]
  readonly users: readonly [{ readonly user: { readonly token: string } }]
}

interface Table {
  readonly columnDefinitions: readonly { readonly name: string; readonly priority?: number }[]
  readonly rows: readonly { readonly cells: readonly unknown[] }[]
}

const AS_TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io'
const ANSWER_MS_MAX = 10_000

export interface Api {
  create(plural: string, object: KubeObject): Promise<KubeObject>
  /** Replaces the object at its path; with a resourceVersion, only if that is still current. */
  replace(path: string, object: KubeObject): Promise<KubeObject>
  read(path: string): Promise<KubeObject>
  items(path: string): Promise<readonly KubeObject[]>
  remove(path: string): Promise<void>
  /** What `kubectl get RESOURCE` prints, below the command that was run. */
  table(path: string, resource: string): Promise<string>
}

/** `/api/v1/namespaces/NS/PLURAL` or its like for a group; the object says which. */
export function pathOf(plural: string, { apiVersion, metadata }: KubeObject): string {
  const root = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`
  return metadata.namespace === undefined ? `${root}/${plural}` : `${root}/namespaces/${metadata.namespace}/${plural}`
}

type Ask = <T>(
  method: string,
  path: string,
  options?: { readonly body?: unknown; readonly accept?: string },
) => Promise<T>

export function openApi(kubeconfig: string): Api {
  const ask = askerOf(parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig)
  return {
    create: (plural, object) => ask('POST', pathOf(plural, object), { body: object }),
    replace: (path, object) => ask('PUT', path, { body: object }),
    read: path => ask('GET', path),
    items: async path => (await ask<{ items: readonly KubeObject[] }>('GET', path)).items,
    remove: async path => void (await ask('DELETE', path)),
    async table(path, resource) {
      const printed = await byKubectl(kubeconfig, resource)
      if (printed !== undefined) return `$ kubectl get ${resource}\n${printed}`
      return `GET ${path}, as a table (there is no kubectl here)\n${tableText(await ask<Table>('GET', path, { accept: AS_TABLE }))}`
    },
  }
}

/**
 * Sends one request and returns its JSON. @throws the server's sentence for a status other than
 * 2xx.
 */
function askerOf({ clusters, users }: Kubeconfig): Ask {
  const { server, 'certificate-authority-data': authority } = clusters[0].cluster
  const ca = Buffer.from(authority, 'base64').toString()
  return (method, path, { body, accept } = {}) => {
    const headers = {
      authorization: `Bearer ${users[0].user.token}`,
      accept: accept ?? 'application/json',
      ...(body !== undefined && { 'content-type': 'application/json' }),
    }
    return new Promise((done, fail) => {
      const asked = request(server + path, { method, ca, headers, timeout: ANSWER_MS_MAX }, answer => {
        const parts: Buffer[] = []
        answer.on('data', (part: Buffer) => parts.push(part))
        answer.on('end', () => {
          const text = Buffer.concat(parts).toString()
          const status = answer.statusCode ?? 0
          if (status < 200 || status >= 300) fail(new Error(`${method} ${path}: ${status} ${messageIn(text)}`))
          else done(path.startsWith('/readyz') ? text : JSON.parse(text))
        })
      })
      asked.on('timeout', () => asked.destroy(new Error(`no answer in ${ANSWER_MS_MAX} ms`)))
      asked.on('error', error => fail(new Error(`${method} ${path}: ${error.message}`)))
      asked.end(body === undefined ? undefined : JSON.stringify(body))
    })
  }
}

function messageIn(text: string): string {
  const message = /"message"\s*:\s*("(?:[^"\\]|\\.)*")/.exec(text)?.[1]
  return message === undefined ? text.slice(0, 200) : (JSON.parse(message) as string)
}

let withoutKubectl = false

async function byKubectl(kubeconfig: string, resource: string): Promise<string | undefined> {
  if (withoutKubectl) return undefined
  try {
    const { status, stdout, stderr } = await run('kubectl', [`--kubeconfig=${kubeconfig}`, 'get', resource])
    if (status !== 0) throw new Error(`kubectl get ${resource}: ${stderr.trim()}`)
    return (stdout + stderr).trim()
  } catch (error) {
    if (!(error instanceof Error && error.message.includes('ENOENT'))) throw error
    withoutKubectl = true
    return undefined
  }
}

/** Columns of priority 0, three blanks apart, as kubectl prints them. */
export function tableText({ columnDefinitions, rows }: Table): string {
  if (rows.length === 0) return 'No resources found'
  const shown = columnDefinitions.flatMap(({ name, priority = 0 }, at) => (priority === 0 ? [{ name, at }] : []))
  const lines = [
    shown.map(({ name }) => name.toUpperCase()),
    ...rows.map(({ cells }) => shown.map(({ at }) => String(cells[at] ?? ''))),
  ]
  const widths = shown.map((_, column) => Math.max(...lines.map(line => line[column]?.length ?? 0)))
  return lines
    .map(line =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('   ')
        .trimEnd(),
    )
    .join('\n')
}
