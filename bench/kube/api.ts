// The API server as the bench asks it: objects, and its own metrics.
import { readFileSync } from 'node:fs'
import { accessIn } from '../stage.js'

export interface KubeApi {
  /** One request. @throws the server's sentence for a status other than 2xx */
  ask<T>(method: string, path: string, body?: object): Promise<T>
  /** The text of a path, such as /metrics. */
  text(path: string): Promise<string>
}

export function apiOf(kubeconfig: string): KubeApi {
  const { server, token, ca } = accessIn(kubeconfig)
  const send = async (method: string, path: string, body?: object): Promise<Response> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': contentType(method) }
    const answer = await fetch(server + path, {
      method,
      headers,
      tls: { ca },
      ...(body && { body: JSON.stringify(body) }),
    })
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    return answer
  }
  return {
    ask: async <T>(method: string, path: string, body?: object) => (await (await send(method, path, body)).json()) as T,
    text: async path => (await send('GET', path)).text(),
  }
}

const contentType = (method: string): string =>
  method === 'PATCH' ? 'application/apply-patch+yaml' : 'application/json'

/** A sample of the text format of Prometheus. */
export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** The samples of one metric. */
export function samplesOf(text: string, name: string): readonly MetricSample[] {
  return text.split('\n').flatMap(line => {
    if (!line.startsWith(name) || !/^[{ ]/.test(line.slice(name.length))) return []
    const labels = [...line.matchAll(/[{,](\w+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key, value] as const)
    return [{ labels: Object.fromEntries(labels), value: Number(line.slice(line.lastIndexOf(' '))) }]
  })
}

const TICKS_PER_S = 100 // sysconf(_SC_CLK_TCK) of every Linux that this runs on

/** User and system time of a process so far, in ms; its ended children's are not in it. */
export function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_S
}

/** Resident memory of a process in MB: now, or the largest since it started (proc(5)). */
export const residentMbOf = (pid: number, of: 'VmRSS' | 'VmHWM'): number =>
  Number(new RegExp(`${of}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
