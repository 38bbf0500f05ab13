// `doctor`: what is wrong with an installation, why it matters, and what mends it.
import { printValue, type CtlCommand, type CtlContext } from '../context.js'
import { counted, toned } from '../output.js'
import { findingsOf } from './decide.js'
import type { Finding } from './facts.js'

/** `doctor [--node]` */
export const doctor: CtlCommand<{ readonly node?: boolean }> = async (context, _, { node = false }) => {
  const { clusterFacts } = await import('./read.js')
  const facts = await clusterFacts(context.cluster)
  const onNode = node ? (await import('./node.js')).nodeFindings(facts) : []
  const found = [...findingsOf(facts), ...(await onNode)]
  print(found, context)
  return found.some(one => one.isNote !== true) ? 'no' : 'ok'
}

function print(found: readonly Finding[], context: CtlContext): void {
  const rows = found.map(one => ({ ...one, isNote: one.isNote === true }))
  if (context.format === 'name') return context.print(found.map(({ object }) => `${object}\n`).join(''))
  if (printValue(context, rows)) return
  const paragraphs = found.map(({ check, object, what, why, mend, isNote }) => {
    const head = toned(
      `${isNote === true ? ' ' : '!'} ${check}: ${object}: ${what}`,
      isNote === true ? 'faint' : 'bad',
      context.colours,
    )
    return `${head}\n  why:  ${why}\n  mend: ${mend}\n`
  })
  const wrong = found.filter(one => one.isNote !== true).length
  const total =
    found.length === 0 ? 'nothing is wrong' : `${counted(wrong, 'finding')}, ${counted(found.length - wrong, 'note')}`
  context.print(`${[...paragraphs, ''].join('\n')}${total}\n`)
}
