// Every case, in order. What each does is in cases/.
import type { Case } from './case.js'
import { credentials, direct, killed, upgraded } from './cases/agents.js'
import { application } from './cases/application.js'
import { networks } from './cases/networks.js'
import { apiserver, containerd, controller, dead, drained, kubelet, replaced } from './cases/outages.js'
import { forced, namespace, rolling, scale, stateful } from './cases/pods.js'
import { chart, multus } from './cases/chart.js'
import { quickstart } from './cases/quickstart.js'
import { deleted, edited, exhausted, misspelt } from './cases/pools.js'

export const CASES: readonly Case[] = [
  ...[quickstart, application, stateful, scale, rolling, forced, namespace],
  ...[edited, deleted, exhausted, misspelt, networks, chart, multus],
  ...[kubelet, containerd, controller, replaced, drained, apiserver, dead],
  ...[killed, upgraded, credentials, direct],
]
