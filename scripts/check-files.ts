// Our habits as a program: lengths, the first line, and what no file may hold. Knows syntax; which part may import which is check-boundaries.ts.
import {
  isCatchClause,
  isNonNullExpression,
  isPropertyAccessExpression,
  isStringLiteral,
} from 'typescript/unstable/ast/is'
import { SyntaxKind, type Node } from 'typescript/unstable/ast'
import { isGenerated, isTest, lineAt, sources, startOf, tell, walk, type Finding, type Source } from './source-tree.js'

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

/** Said of a process' own streams: a touch of them loads Node's stream stack, 12 ms of a plugin's life. */
const COSTLY = /^process\.(stdin|stdout|stderr)$/
const SUPPRESSION = /@ts-(ignore|expect-error|nocheck)|eslint-disable|prettier-ignore/

/** In two words, or this line would be the first to break the rule. */
const BARE_BUN = ['.bin', 'bun'].join('/')

type Rule = (node: Node, source: Source) => string | undefined

const length: Rule = (node, { path, text, root }) => {
  if (isTest(path) || !FUNCTIONS.has(node.kind)) return undefined
  const lines = lineAt(text, node.end) - lineAt(text, startOf(node, root)) + 1
  return lines > FUNCTION_LINES_MAX ? `a function of ${lines} lines; ${FUNCTION_LINES_MAX} at most` : undefined
}

const noAny: Rule = node =>
  node.kind === SyntaxKind.AnyKeyword ? '`any` is not used here; say `unknown` and look' : undefined

const noBang: Rule = node =>
  isNonNullExpression(node) ? '`!` says what the compiler cannot see; test for undefined' : undefined

const noEmptyCatch: Rule = node =>
  isCatchClause(node) && node.block.statements.length === 0
    ? 'an empty `catch`; name the one error that may pass'
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
  return /\.(js|json|yaml)$/.test(node.text) ? undefined : `import of '${node.text}' lacks its .js`
}

const RULES: readonly Rule[] = [length, noAny, noBang, noEmptyCatch, noStreams, withExtension]

function ofWholeFile({ path, text }: Source): readonly Finding[] {
  const lines = text.split('\n')
  const first = lines[0]?.startsWith('#!') ? lines[1] : lines[0]
  const found: Finding[] = []
  if (!isTest(path) && lines.length - 1 > FILE_LINES_MAX)
    found.push({ path, line: FILE_LINES_MAX, says: `a file of ${lines.length - 1} lines; ${FILE_LINES_MAX} at most` })
  if (!first?.startsWith('// '))
    found.push({ path, line: 1, says: 'the first line does not say what the file is: `// …`' })
  lines.forEach((line, at) => {
    if (line.includes(BARE_BUN))
      found.push({
        path,
        line: at + 1,
        says: `${BARE_BUN} is an empty shell where npm blocks install scripts; run scripts/bun.sh`,
      })
    if (/^\s*(\/\/|\*|\/\*)/.test(line) && SUPPRESSION.test(line))
      found.push({ path, line: at + 1, says: 'a suppression; say it so that the compiler agrees' })
  })
  return found
}

function ofNodes(source: Source): readonly Finding[] {
  const found: Finding[] = []
  walk(source.root, node => {
    for (const rule of RULES) {
      const says = rule(node, source)
      if (says !== undefined)
        found.push({ path: source.path, line: lineAt(source.text, startOf(node, source.root)), says })
    }
  })
  return found
}

const written = sources(process.argv[2]).filter(({ path }) => !isGenerated(path) && !path.endsWith('.d.ts'))
tell(
  'check-files',
  written.flatMap(source => [...ofWholeFile(source), ...ofNodes(source)]),
)
