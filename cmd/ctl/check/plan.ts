// The plan that `check` prints: what differs, why it matters, what a repair does. Pure.
import { isWrong } from '../../../lib/check/decide.js'
import { kindOf } from '../../../lib/check/kinds.js'
import type { CheckDifference } from '../../../lib/check/state.js'
import { counted, toned } from '../output.js'

export interface PlanRow {
  readonly kind: CheckDifference['kind']
  readonly object: string
  readonly what: string
  readonly why: string
  /** What `--repair` does; '' where a person has to decide. */
  readonly repair: string
  readonly todo: string
  /** False for a note. */
  readonly wrong: boolean
}

/** A difference with the sentences of its kind. */
export function rowOf(difference: CheckDifference): PlanRow {
  const { kind, object, what, repair } = difference
  const { why, mend, todo = '' } = kindOf(kind)
  const isMended = repair !== undefined
  const byHand = todo || `see spiderpoolctl who ${object.replace(/^.*\//, '')}`
  return {
    kind,
    object,
    what,
    why,
    repair: isMended ? mend : '',
    todo: isMended ? '' : byHand,
    wrong: isWrong(difference),
  }
}

/** The plan as text, one paragraph a difference, with a line that counts them. */
export function planText(found: readonly CheckDifference[], { colours }: { readonly colours: boolean }): string {
  if (found.length === 0) return 'nothing differs\n'
  const rows = found.map(rowOf)
  const paragraphs = rows.map(row => {
    const sign = row.repair !== '' ? '~' : row.wrong ? '!' : ' '
    const head = toned(`${sign} ${row.object}: ${row.what}`, row.wrong ? 'bad' : 'faint', colours)
    const last = row.repair === '' ? `  to do:  ${row.todo}` : `  repair: ${row.repair}`
    return `${head}\n  why:    ${row.why}\n${last}\n`
  })
  const mended = rows.filter(row => row.repair !== '').length
  const byHand = rows.filter(row => row.repair === '' && row.wrong).length
  const notes = rows.filter(row => !row.wrong).length
  const parts = [`${mended} for --repair`, `${byHand} for a person`, ...(notes > 0 ? [counted(notes, 'note')] : [])]
  return `${paragraphs.join('\n')}\n${counted(rows.length, 'difference')}: ${parts.join(', ')}\n`
}
