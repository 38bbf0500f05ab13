// Measures processes from outside: CPU by the kernel's count, wall time, largest resident set.
import { writeFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'

export interface Sample {
  readonly wallMs: number
  readonly cpuMs: number
  readonly status: number
  readonly stdout: string
}

export interface Command {
  readonly file: string
  readonly args?: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly stdin?: string
  /** A command in front, as nsenter is. */
  readonly under?: readonly string[]
}

/** One process, with user and system time of wait4(2), in microseconds, as Bun hands them on. */
export async function measure({ file, args = [], env, stdin = '', under = [] }: Command): Promise<Sample> {
  const started = performance.now()
  const child = Bun.spawn([...under, file, ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdin: Buffer.from(stdin),
    stdout: 'pipe',
    stderr: 'ignore',
  })
  const status = await child.exited
  const wallMs = performance.now() - started
  const stdout = await new Response(child.stdout).text()
  const used = child.resourceUsage()
  return { wallMs, cpuMs: Number(used?.cpuTime.total ?? 0) / 1000, status, stdout }
}

/**
 * Returns the largest resident set, in MB. By GNU time: a process that is spawned here would count
 * our own memory at its start.
 */
export function residentMb({ file, env, stdin = '' }: Command): number {
  const ran = Bun.spawnSync(['/usr/bin/time', '-f', '%M', file], { env: { ...env }, stdin: Buffer.from(stdin) })
  return Number(ran.stderr.toString().trim().split('\n').at(-1)) / 1024
}

export const quantile = (values: readonly number[], q: number): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
}
export const median = (values: readonly number[]): number => quantile(values, 0.5)

export const machine = (): string =>
  `${new Date().toISOString().slice(0, 10)}, ${cpus().length} x ${cpus()[0]?.model.trim() ?? 'CPU'}, ${Math.round(totalmem() / 2 ** 30)} GB, Linux ${release()}`

export interface Row {
  readonly what: string
  readonly value: number | string
  readonly unit?: string
  readonly bound?: string
}

/** Columns of even width. */
export function table(rows: readonly Row[], titles = ['what', 'measured', 'target']): string {
  const cells = rows.map(({ what, value, unit = '', bound = '' }) => [
    what,
    `${typeof value === 'number' ? round(value) : value} ${unit}`.trim(),
    bound,
  ])
  const all = [titles, ...cells]
  const widths = [0, 1, 2].map(at => Math.max(...all.map(row => (row[at] ?? '').length)))
  return all
    .map(row =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

const round = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)

export const save = (file: string, value: unknown): void =>
  writeFileSync(file, `${JSON.stringify(value, undefined, 2)}\n`)
