// The console's page and its two files, which scripts/build.ts makes of web/console.

declare const SPIDERPOOL_CONSOLE_SCRIPT: string
declare const SPIDERPOOL_CONSOLE_STYLE: string

/** The script; '' where the code is not compiled. */
export const script = (): string => (typeof SPIDERPOOL_CONSOLE_SCRIPT === 'undefined' ? '' : SPIDERPOOL_CONSOLE_SCRIPT)
/** The style sheet; '' where the code is not compiled. */
export const style = (): string => (typeof SPIDERPOOL_CONSOLE_STYLE === 'undefined' ? '' : SPIDERPOOL_CONSOLE_STYLE)

export type Language = 'en' | 'zh-CN'

/** The language that a browser prefers: the first of Accept-Language that the console has. */
export function languageOf(accept: string): Language {
  const weighted = accept.split(',').flatMap(text => {
    const [name = '', ...parameters] = text.trim().toLowerCase().split(';')
    const weight = Number(/^\s*q=([\d.]+)$/.exec(parameters.find(one => one.includes('q=')) ?? '')?.[1] ?? '1')
    const known = /^zh\b/.test(name) ? 'zh-CN' : /^(en\b|\*)/.test(name) ? 'en' : undefined
    return known === undefined || !(weight > 0) ? [] : [{ known, weight } as const]
  })
  return [...weighted].sort((a, b) => b.weight - a.weight)[0]?.known ?? 'en'
}

const SUBTITLE: Readonly<Record<Language, string>> = {
  en: 'Console, read-only. It needs JavaScript.',
  'zh-CN': '只读控制台。需要启用 JavaScript。',
}

/** The page in a language. Everything else is drawn by the script. */
export const page = (language: Language): string => `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Spiderpool</title>
<link rel="stylesheet" href="console.css">
<script type="module" src="console.js"></script>
</head>
<body>
<div id="app"><header><h1>Spiderpool</h1></header><noscript>${SUBTITLE[language]}</noscript></div>
</body>
</html>
`
