// The table of charts/spiderpool/README.md: every value with its default and its comment in
// values.yaml.
import { isAlias, isMap, isScalar, parseDocument, type Document, type Pair, type YAMLMap } from 'yaml'

interface Row {
  readonly path: string
  /** '' for a group. */
  readonly value: string
  readonly words: string
}

const wordsOf = (comment: string | null | undefined): string =>
  (comment ?? '')
    .split('\n\n')
    .at(-1)
    ?.split('\n')
    .map(line => line.trim())
    .join(' ')
    .trim() ?? ''

/** Rows of a map; the comment of its first key is on the map itself. */
function rowsOf(map: YAMLMap, above: string, found: Map<string, string>): readonly Row[] {
  return map.items.flatMap((item, at): readonly Row[] => {
    const { key, value } = item as Pair
    if (!isScalar(key)) throw new Error(`a key below ${above} is no text`)
    const path = above === '' ? String(key.value) : `${above}.${String(key.value)}`
    const words = wordsOf(at === 0 ? (key.commentBefore ?? map.commentBefore) : key.commentBefore)
    if (isAlias(value)) return [{ path, value: `those of ${found.get(value.source) ?? value.source}`, words }]
    const { anchor } = value as { readonly anchor?: string }
    if (anchor !== undefined) found.set(anchor, path)
    if (isMap(value) && value.items.length > 0 && value.flow !== true) {
      const group = words === '' ? [] : [{ path, value: '', words }]
      return [...group, ...rowsOf(value, path, found)]
    }
    return [{ path, value: `\`${JSON.stringify((value as { toJSON(): unknown }).toJSON())}\``, words }]
  })
}

/** The table in Markdown. */
export function valuesTable(yaml: string): string {
  const document: Document = parseDocument(yaml)
  if (!isMap(document.contents)) throw new Error('values.yaml holds no mapping')
  const rows = rowsOf(document.contents, '', new Map())
  const lines = rows.map(({ path, value, words }) => `| \`${path}\` | ${value} | ${words.replaceAll('|', '\\|')} |`)
  return ['| value | default | |', '| --- | --- | --- |', ...lines].join('\n')
}
