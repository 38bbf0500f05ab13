// What client.c gives to the code here: system calls as functions. A failure is the negated errno.

/** The global object `system` of the engine. */
export interface System {
  /** Length of argv. */
  readonly argc: number
  readonly argv0: string
  /** `NAME=value` of each variable. */
  readonly environ: readonly string[]
  /**
   * Stdin to its end, kept for the full image; undefined if it cannot be read, has more than
   * `max` bytes or is not UTF-8.
   */
  input(max: number): string | undefined
  /** st_mode and st_uid. */
  lstat(path: string): readonly [mode: number, uid: number] | number
  stat(path: string): readonly [mode: number, uid: number] | number
  realpath(path: string): string | number
  /** Connects to a unix socket; `ms` also limits each send. */
  connect(path: string, ms: number): number
  send(text: string): number
  /** Appends what arrives to what was received; returns its length, 0 at the end. */
  receive(ms: number): number
  /** Offset of ASCII text in what was received, at `from` or behind it; -1 without. */
  find(text: string, from: number): number
  /** The bytes of these ranges (from, to, from, to, …) as one text. */
  text(...ranges: readonly number[]): string
  /** Length in UTF-8. */
  byteLength(text: string): number
  /** Monotonic, in milliseconds. */
  now(): number
  /** Writes all of it; 0 or the negated errno. */
  write(fd: number, text: string): number
  /** The sentence of an errno. */
  strerror(errno: number): string
}

declare global {
  // `system`, as client.c names it.
  var system: System
}

/** <asm-generic/errno-base.h>, <asm-generic/errno.h>; numbers that the code tells apart. */
export const ERRNO = { ENOENT: 2, EAGAIN: 11, ENOTDIR: 20 } as const
