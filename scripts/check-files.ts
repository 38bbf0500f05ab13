// Check `habits`: lengths of files and functions, the first line, forbidden syntax.
import {
  isCatchClause,
  isNonNullExpression,
  isPropertyAccessExpression,
  isStringLiteral,
} from 'typescript/unstable/ast/is'
import { SyntaxKind, type Node } from 'typescript/unstable/ast'
import {
  isGenerated,
  isTest,
  lineAt,
  sources,
  startOf,
  report,
  walk,
  type Finding,
  type Source,
} from './source-tree.js'

const FILE_LINES_MAX = 400
const FUNCTION_LINES_MAX = 60

const FUNCTIONS = new Set([
  SyntaxKind.FunctionDeclaration,
  SyntaxKind.FunctionExpression,
  SyntaxKind.ArrowFunction,
  SyntaxKind.MethodDeclaration,
  SyntaxKind.Constructor,
  SyntaxKind.GetAccessor,
  SyntaxKind.SetAccessor,
])

/** Using them loads Node's stream stack: 12 ms of a plugin's run time. */
const COSTLY = /^process\.(stdin|stdout|stderr)$/
const SUPPRESSION = /@ts-(ignore|expect-error|nocheck)|eslint-disable|prettier-ignore/

/** Joined here, because this line must not break the rule itself. */
const BARE_BUN = ['.bin', 'bun'].join('/')

type Rule = (node: Node, source: Source) => string | undefined

const length: Rule = (node, { path, text, root }) => {
  if (isTest(path) || !FUNCTIONS.has(node.kind)) return undefined
  const lines = lineAt(text, node.end) - lineAt(text, startOf(node, root)) + 1
  return lines > FUNCTION_LINES_MAX ? `a function of ${lines} lines; ${FUNCTION_LINES_MAX} at most` : undefined
}

const noAny: Rule = node =>
  node.kind === SyntaxKind.AnyKeyword ? '`any` is forbidden; use `unknown` and narrow it' : undefined

const noBang: Rule = node => (isNonNullExpression(node) ? '`!` is forbidden; test for undefined' : undefined)

const noEmptyCatch: Rule = node =>
  isCatchClause(node) && node.block.statements.length === 0
    ? 'an empty `catch`; rethrow all but the expected error'
    : undefined

const noStreams: Rule = (node, { path, root }) => {
  if (!/^(lib|plugins)\//.test(path) || !isPropertyAccessExpression(node)) return undefined
  const text = node.getText(root)
  return COSTLY.test(text) ? `\`${text}\` costs a plugin 12 ms; read fd 0 and write fd 1` : undefined
}

const IMPORTING = new Set([
  SyntaxKind.ImportDeclaration,
  SyntaxKind.ExportDeclaration,
  SyntaxKind.CallExpression,
  SyntaxKind.LiteralType,
])

const withExtension: Rule = node => {
  if (!isStringLiteral(node) || !/^\.\.?\//.test(node.text) || !IMPORTING.has(node.parent.kind)) return undefined
  if (node.parent.kind === SyntaxKind.CallExpression && !node.parent.getText().startsWith('import(')) return undefined
  return /\.(js|json|yaml)$/.test(node.text) ? undefined : `import of '${node.text}' has no .js`
}

const RULES: readonly Rule[] = [length, noAny, noBang, noEmptyCatch, noStreams, withExtension]

function ofWholeFile({ path, text }: Source): readonly Finding[] {
  const lines = text.split('\n')
  const first = lines[0]?.startsWith('#!') ? lines[1] : lines[0]
  const found: Finding[] = []
  if (!isTest(path) && lines.length - 1 > FILE_LINES_MAX)
    found.push({
      path,
      line: FILE_LINES_MAX,
      message: `a file of ${lines.length - 1} lines; ${FILE_LINES_MAX} at most`,
    })
  if (!first?.startsWith('// '))
    found.push({ path, line: 1, message: 'the first line is not a comment that says what the file is' })
  lines.forEach((line, at) => {
    if (line.includes(BARE_BUN))
      found.push({
        path,
        line: at + 1,
        message: `${BARE_BUN} is an empty file where npm blocks install scripts; run scripts/bun.sh`,
      })
    if (/^\s*(\/\/|\*|\/\*)/.test(line) && SUPPRESSION.test(line))
      found.push({ path, line: at + 1, message: 'a suppression; change the code so that the compiler accepts it' })
  })
  return found
}

function ofNodes(source: Source): readonly Finding[] {
  const found: Finding[] = []
  walk(source.root, node => {
    for (const rule of RULES) {
      const message = rule(node, source)
      if (message !== undefined)
        found.push({ path: source.path, line: lineAt(source.text, startOf(node, source.root)), message })
    }
  })
  return found
}

const written = sources(process.argv[2]).filter(({ path }) => !isGenerated(path) && !path.endsWith('.d.ts'))
report(
  'check-files',
  written.flatMap(source => [...ofWholeFile(source), ...ofNodes(source)]),
)
