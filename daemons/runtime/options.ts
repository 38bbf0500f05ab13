// Tables of a daemon's environment variables and keys of conf.yml, and typed reading by them. Pure.
import { flag, number, text, type DaemonEnv } from './env.js'

/** A row of the tables in docs/controller.md and docs/agent.md. */
export interface DaemonOption {
  readonly default: string | number | boolean
  /** The default in words, where it is found at start. */
  readonly defaultText?: string
  readonly about: string
}

/** By name of the variable. */
export type EnvTable = Readonly<Record<string, DaemonOption>>
/** By key; `default` is the value of a missing one. */
export type ConfKeyTable = Readonly<Record<string, DaemonOption>>

type NamesOf<T extends EnvTable, V> = {
  [Name in keyof T]: T[Name]['default'] extends V ? Name : never
}[keyof T] &
  string

/** Reads variables by their table. All throw a sentence with the variable and its value. */
export interface EnvReader<T extends EnvTable> {
  /** Not empty; `otherwise` is the default that is found at start. */
  text(name: NamesOf<T, string>, otherwise?: string): string
  /** The same, where an empty value counts as the default, which may be empty. */
  optional(name: NamesOf<T, string>): string
  number(name: NamesOf<T, number>): number
  /** Of a variable in seconds, in milliseconds. */
  ms(name: NamesOf<T, number>): number
  flag(name: NamesOf<T, boolean>): boolean
}

/** The reader of an environment by a table. */
export function envReader<T extends EnvTable>(env: DaemonEnv, table: T): EnvReader<T> {
  const otherwise = (name: keyof T): DaemonOption['default'] => table[name]?.default ?? ''
  return {
    text: (name, found) => text(env, name, found ?? String(otherwise(name))),
    optional: name => env[name] || String(otherwise(name)),
    number: name => number(env, name, Number(otherwise(name))),
    ms: name => number(env, name, Number(otherwise(name))) * 1000,
    flag: name => flag(env, name, otherwise(name) === true),
  }
}
