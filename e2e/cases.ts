// Every case, in order. What each does is in cases/.
import { application } from './cases/application.js'
import { networks } from './cases/networks.js'
import { apiserver, containerd, controller, dead, drained, kubelet, replaced } from './cases/outages.js'
import { forced, namespace, rolling, scale, stateful } from './cases/pods.js'
import { deleted, edited, exhausted, misspelt } from './cases/pools.js'

export interface Case {
  readonly name: string
  readonly says: string
  run(): Promise<void>
  /** "namespace/name" of pods that are gone and keep their addresses when it is over. */
  readonly keeps?: readonly string[]
}

export const CASES: readonly Case[] = [
  ...[application, stateful, scale, rolling, forced, namespace],
  ...[edited, deleted, exhausted, misspelt, networks],
  ...[kubelet, containerd, controller, replaced, drained, apiserver, dead],
]
