// All one-place changes of a source, compiled into one text; a number chosen at run time enables
// one. Knows syntax; knows no types, runs nothing.
import { SyntaxKind, type Node } from 'typescript/unstable/ast'
import {
  isArrowFunction,
  isBinaryExpression,
  isBlock,
  isCallExpression,
  isConditionalExpression,
  isFunctionDeclaration,
  isFunctionExpression,
  isIfStatement,
  isMethodDeclaration,
  isPrefixUnaryExpression,
  isPropertyAccessExpression,
  isReturnStatement,
  isTypeNode,
  isWhileStatement,
} from 'typescript/unstable/ast/is'
import { SWITCH } from './mutation-tap.js'
import { lineAt, startOf, type Source } from './source-tree.js'

export interface Mutant {
  /** 1-based line, and its text. */
  readonly line: number
  readonly was: string
  readonly by: string
}

/** What each operator becomes: its opposite, and its neighbour, which is off by one. */
const OPERATORS: Readonly<Record<string, readonly string[]>> = {
  '===': ['!=='],
  '!==': ['==='],
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '&&': ['||'],
  '||': ['&&'],
  '+': ['-'],
  '-': ['+'],
}
const CALLS: Readonly<Record<string, string>> = { some: 'every', every: 'some' }

/**
 * Returns the mutants, and the source with all of them: each mutated expression reads
 * `globalThis[SWITCH]`. Only code in functions is mutated: what a module computes on import runs
 * before the switch is set. Mutants are not nested, so the text stays short.
 */
export function withMutants({ text, root }: Pick<Source, 'text' | 'root'>): {
  readonly mutants: readonly Mutant[]
  readonly text: string
} {
  const mutants: Mutant[] = []
  const raw = (node: Node): string => text.slice(startOf(node, root), node.end)

  const render = (node: Node, isInside: boolean, more: readonly string[]): string => {
    if (isTypeNode(node) || node.kind === SyntaxKind.ImportDeclaration) return raw(node)
    const deeper = isInside || isFunction(node)
    let [out, at] = ['', startOf(node, root)]
    node.forEachChild(child => {
      const isName = 'name' in node && node.name === child
      const own = isName ? raw(child) : render(child, deeper, insteadOf(child, node))
      out += text.slice(at, startOf(child, root)) + own
      at = child.end
      return undefined
    })
    out += text.slice(at, node.end)
    const bys = isInside ? [...changesOf(node, raw), ...more].filter(by => by !== raw(node)) : []
    return bys.reduce(
      (inner, by) => {
        mutants.push({ line: lineAt(text, startOf(node, root)), was: raw(node), by })
        return `(globalThis.${SWITCH} === ${mutants.length - 1} ? ${by} : ${inner})`
      },
      bys.length > 0 ? `(${out})` : out,
    )
  }
  return { text: render(root, false, []), mutants }
}

const isFunction = (node: Node): boolean =>
  isArrowFunction(node) || isFunctionDeclaration(node) || isFunctionExpression(node) || isMethodDeclaration(node)

/**
 * Replacements that depend on the position: a condition becomes true or false, a result undefined.
 */
function insteadOf(child: Node, parent: Node): readonly string[] {
  const isCondition =
    ((isIfStatement(parent) || isWhileStatement(parent)) && parent.expression === child) ||
    (isConditionalExpression(parent) && parent.condition === child)
  if (isCondition) return ['true', 'false']
  const isResult =
    (isReturnStatement(parent) && parent.expression === child) ||
    (isArrowFunction(parent) && parent.body === child && !isBlock(child))
  return isResult ? ['undefined'] : []
}

/** What an expression itself may become. */
function changesOf(node: Node, raw: (node: Node) => string): readonly string[] {
  if (isBinaryExpression(node)) {
    const { left, operatorToken, right } = node
    return (OPERATORS[raw(operatorToken)] ?? []).map(operator => `(${raw(left)} ${operator} ${raw(right)})`)
  }
  if (isPrefixUnaryExpression(node))
    return node.operator === SyntaxKind.ExclamationToken ? [`(${raw(node.operand)})`] : []
  if (isCallExpression(node) && isPropertyAccessExpression(node.expression)) {
    const { expression, name } = node.expression
    if (raw(name) === 'filter') return [`(${raw(expression)})`]
    const other = CALLS[raw(name)]
    return other === undefined ? [] : [`(${raw(expression)}.${other}${raw(node).slice(raw(node.expression).length)})`]
  }
  switch (node.kind) {
    case SyntaxKind.TrueKeyword:
      return ['false']
    case SyntaxKind.FalseKeyword:
      return ['true']
    case SyntaxKind.NumericLiteral:
      return [String(Number(raw(node)) + 1)]
    case SyntaxKind.BigIntLiteral:
      return [`${BigInt(raw(node).slice(0, -1)) + 1n}n`]
    default:
      return []
  }
}
