// Runs another CNI executable. The only file that starts a process, and only where a conf delegates; Bun's own spawn, no streams.
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

/** Throws an Error with `code` (ENOEXEC, EACCES, ETXTBSY …) where the kernel does not start the file. */
export const spawn: Spawn = (file, { env, stdin }) => {
  const ran = Bun.spawnSync([file], { env: { ...env }, stdin: Buffer.from(stdin), stdout: 'pipe', stderr: 'pipe' })
  return {
    exitCode: ran.exitCode ?? 1,
    signal: ran.signalCode === undefined || ran.signalCode === null ? undefined : String(ran.signalCode),
    stdout: ran.stdout.toString(),
    stderr: ran.stderr.toString(),
  }
}
