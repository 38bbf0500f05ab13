// Executes another CNI plugin, with Bun.spawnSync. Loaded lazily: only if a conf delegates.
export interface SpawnResult {
  readonly exitCode: number
  readonly signal: string | undefined
  readonly stdout: string
  readonly stderr: string
}

export type Spawn = (
  file: string,
  options: { readonly env: Readonly<Record<string, string>>; readonly stdin: string },
) => SpawnResult

/**
 * Runs the file to its end.
 * @throws an error with `code` (ENOEXEC, EACCES, ETXTBSY) if execve(2) fails
 */
export const spawn: Spawn = (file, { env, stdin }) => {
  const ran = Bun.spawnSync([file], { env: { ...env }, stdin: Buffer.from(stdin), stdout: 'pipe', stderr: 'pipe' })
  return {
    exitCode: ran.exitCode ?? 1,
    signal: ran.signalCode === undefined || ran.signalCode === null ? undefined : String(ran.signalCode),
    stdout: ran.stdout.toString(),
    stderr: ran.stderr.toString(),
  }
}
