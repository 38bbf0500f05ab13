// Requests to the console's server, and its stream of changes.
import type { ConsoleChange } from '../../lib/console/json.js'

/** @throws Error the sentence of the server */
export async function read<T>(path: string): Promise<T> {
  const response = await fetch(`api/v1/${path}`)
  if (!response.ok) throw new Error((await response.text()).trim() || `${path}: ${response.status}`)
  return (await response.json()) as T
}

export interface Live {
  readonly onChange: (change: ConsoleChange) => void
  readonly onState: (isLive: boolean) => void
}

/** Follows the cluster; the browser connects again by itself. Returns how to stop that. */
export function follow({ onChange, onState }: Live): () => void {
  let wasBroken = false
  const stream = new EventSource('api/v1/changes')
  stream.onopen = () => {
    onState(true)
    if (wasBroken) onChange({}) // what was missed is not known
    wasBroken = false
  }
  stream.onerror = () => {
    wasBroken = true
    onState(false)
  }
  stream.addEventListener('changed', ({ data }) => onChange(JSON.parse(String(data)) as ConsoleChange))
  return () => stream.close()
}
