// Parses the TypeScript files of the repository for the checks. Knows the compiler's API.
import { relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { API } from 'typescript/unstable/sync'
import { SyntaxKind, type Node, type SourceFile } from 'typescript/unstable/ast'

export const ROOT = fileURLToPath(new URL('..', import.meta.url))

export interface Source {
  /** Relative to the repository, with `/`. */
  readonly path: string
  readonly text: string
  readonly root: SourceFile
}

/**
 * Returns every file that the tsconfig.json of `folder` includes; `folder` ends in `/`.
 * `typescript/unstable` may change with any release: package.json pins one.
 */
export function sources(folder = ROOT): readonly Source[] {
  const api = new API({ cwd: folder })
  try {
    const config = `${folder}tsconfig.json`
    const project = api.updateSnapshot({ openProjects: [config] }).getProjects()[0]
    if (!project) throw new Error(`${config} cannot be opened`)
    return project.rootFiles.flatMap(file => {
      const root = project.program.getSourceFile(file)
      if (!root) throw new Error(`${file} cannot be parsed`)
      const path = relative(folder, file).split(sep).join('/')
      return [{ path, text: root.text, root }]
    })
  } finally {
    api.close()
  }
}

export const isGenerated = (path: string): boolean => path.split('/').includes('generated')
export const isTest = (path: string): boolean => path.startsWith('test/')

/** Calls `visit` for `node` and every node below it, parents first. */
export function walk(node: Node, visit: (node: Node) => void): void {
  visit(node)
  node.forEachChild(child => {
    walk(child, visit)
    return undefined
  })
}

export const kindName = (node: Node): string => SyntaxKind[node.kind] ?? String(node.kind)

/** Returns the 1-based line of an offset. */
export function lineAt(text: string, offset: number): number {
  let line = 1
  for (let i = text.indexOf('\n'); i !== -1 && i < offset; i = text.indexOf('\n', i + 1)) line++
  return line
}

/** Returns the offset of the first token of a node, after the comments before it. */
export const startOf = (node: Node, root: SourceFile): number => node.getStart(root)

export interface Finding {
  readonly path: string
  readonly line: number
  readonly message: string
}

/** Prints findings, sorted by place; sets the exit code when there are any. */
export function report(name: string, findings: readonly Finding[]): void {
  const sorted = [...findings].sort((a, b) => a.path.localeCompare(b.path) || a.line - b.line)
  for (const { path, line, message } of sorted) console.log(`${path}:${line}: ${message}`)
  console.log(`${name}: ${sorted.length} findings`)
  if (sorted.length > 0) process.exitCode = 1
}
