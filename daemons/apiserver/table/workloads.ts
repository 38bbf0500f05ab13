// The columns of workloads, as in kubectl.
import { humanDuration } from './age.js'
import { at, isFields, type Stored } from '../schema/stored-object.js'
import {
  AGE_TEXT,
  agoAt,
  column,
  countAt,
  listAt,
  NAME,
  numberAt,
  orNone,
  pairs,
  textAt,
  textColumn,
  wide,
  type TableColumn,
} from './column.js'

function requirement(term: unknown): string {
  const key = textAt(term, 'key')
  const values = listAt(term, 'values').map(String).sort().join(',')
  switch (textAt(term, 'operator')) {
    case 'In':
      return `${key} in (${values})`
    case 'NotIn':
      return `${key} notin (${values})`
    case 'Exists':
      return key
    default:
      return `!${key}`
  }
}

/** metav1.FormatLabelSelector. */
const selectorText = (selector: unknown): string =>
  orNone(
    [pairs(at(selector, 'matchLabels')), ...listAt(selector, 'matchExpressions').map(requirement)]
      .filter(term => term !== '')
      .join(','),
  )

const template = (object: Stored): unknown => at(object, 'spec', 'template', 'spec')
const ofContainers = (spec: unknown, key: string): string =>
  listAt(spec, 'containers')
    .map(container => textAt(container, key))
    .join(',')
const containers = (spec: (object: Stored) => unknown = template): readonly TableColumn[] => [
  wide('Containers', object => ofContainers(spec(object), 'name')),
  wide('Images', object => ofContainers(spec(object), 'image')),
]
const selector = wide('Selector', object => selectorText(at(object, 'spec', 'selector')))

const desired = (object: Stored): number => {
  const replicas = at(object, 'spec', 'replicas')
  return typeof replicas === 'number' ? replicas : 1
}
const readyOfDesired = column('Ready', object => `${numberAt(object, 'status', 'readyReplicas')}/${desired(object)}`)

function jobStatus(job: Stored): string {
  const is = (type: string): boolean =>
    listAt(job, 'status', 'conditions').some(c => at(c, 'type') === type && at(c, 'status') === 'True')
  if (is('Complete')) return 'Complete'
  if (is('Failed')) return 'Failed'
  if (job.metadata.deletionTimestamp !== undefined) return 'Terminating'
  return is('Suspended') ? 'Suspended' : is('FailureTarget') ? 'FailureTarget' : 'Running'
}
const completions = (job: Stored): string => {
  const all = at(job, 'spec', 'completions')
  const parallel = numberAt(job, 'spec', 'parallelism')
  const done = numberAt(job, 'status', 'succeeded')
  return typeof all === 'number' ? `${done}/${all}` : `${done}/1${parallel > 1 ? ` of ${parallel}` : ''}`
}
const jobDuration = (job: Stored, now: number): string => {
  const start = Date.parse(textAt(job, 'status', 'startTime'))
  const end = Date.parse(textAt(job, 'status', 'completionTime'))
  return Number.isNaN(start) ? '' : humanDuration((Number.isNaN(end) ? now : end) - start)
}
const jobTemplate = (cronJob: Stored): unknown => at(cronJob, 'spec', 'jobTemplate', 'spec', 'template', 'spec')

export const WORKLOAD_COLUMNS: Readonly<Record<string, readonly TableColumn[]>> = {
  Deployment: [
    NAME,
    readyOfDesired,
    countAt('Up-to-date', 'status', 'updatedReplicas'),
    countAt('Available', 'status', 'availableReplicas'),
    AGE_TEXT,
    ...containers(),
    selector,
  ],
  ReplicaSet: [
    NAME,
    column('Desired', desired, 'integer'),
    countAt('Current', 'status', 'replicas'),
    countAt('Ready', 'status', 'readyReplicas'),
    AGE_TEXT,
    ...containers(),
    selector,
  ],
  StatefulSet: [NAME, readyOfDesired, AGE_TEXT, ...containers()],
  DaemonSet: [
    NAME,
    countAt('Desired', 'status', 'desiredNumberScheduled'),
    countAt('Current', 'status', 'currentNumberScheduled'),
    countAt('Ready', 'status', 'numberReady'),
    countAt('Up-to-date', 'status', 'updatedNumberScheduled'),
    countAt('Available', 'status', 'numberAvailable'),
    column('Node Selector', o => orNone(pairs(at(template(o), 'nodeSelector')))),
    AGE_TEXT,
    ...containers(),
    selector,
  ],
  Job: [
    NAME,
    column('Status', jobStatus),
    column('Completions', completions),
    column('Duration', jobDuration),
    AGE_TEXT,
    ...containers(),
    selector,
  ],
  CronJob: [
    NAME,
    textColumn('Schedule', 'spec', 'schedule'),
    column('Timezone', o => orNone(textAt(o, 'spec', 'timeZone'))),
    column('Suspend', o => (at(o, 'spec', 'suspend') === true ? 'True' : 'False'), 'boolean'),
    column('Active', o => listAt(o, 'status', 'active').length, 'integer'),
    agoAt('Last Schedule', 'status', 'lastScheduleTime'),
    AGE_TEXT,
    ...containers(jobTemplate),
  ],
}
