// Names on the command line: pods, and suggestions for names that do not exist.
import type { ObjectKey } from '../../lib/kube/kinds.js'
import { CtlError } from './status.js'

const LABEL = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/

/**
 * The pod of `pod/NAMESPACE/NAME`, `NAMESPACE/NAME`, `pod/NAME` or `NAME`.
 * @throws CtlError `usage`
 */
export function podRefOf(text: string, namespace: string): Required<ObjectKey> {
  const parts = text.replace(/^(pod|pods|po)\//, '').split('/')
  const [name = '', space = namespace, ...more] = [...parts].reverse()
  if (more.length > 0 || !LABEL.test(name) || !LABEL.test(space))
    throw new CtlError('usage', `"${text}" does not name a pod; write NAMESPACE/NAME, or NAME with -n NAMESPACE`)
  return { namespace: space, name }
}

/** `; did you mean "b"?`, or the names that exist. */
export async function suggestion(name: string, known: readonly string[]): Promise<string> {
  const { nearest } = await import('../../lib/edit-distance.js')
  const near = nearest(name, known)
  if (near !== undefined) return `; did you mean "${near}"?`
  return known.length === 0 ? '; there is none at all' : ''
}
