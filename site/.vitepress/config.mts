// The static site of docs/: navigation, languages, and where links that leave docs/ lead.
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitepress'

const REPOSITORY = 'https://github.com/spidernet-io/spiderpool'

const installed = (file: string) => fileURLToPath(new URL(`../node_modules/${file}`, import.meta.url))

const page = (text: string, link: string) => ({ text, link })

const ENGLISH = [
  {
    text: 'Start',
    items: [
      page('Quick start', '/quickstart'),
      page('Install', '/install'),
      page('Upgrade, roll back, uninstall', '/upgrade'),
      page('From other IPAMs', '/migrate'),
      page('Concepts', '/concepts'),
    ],
  },
  {
    text: 'Networks',
    items: [
      page('Pools and their selection', '/ipam'),
      page('SpiderSubnet', '/subnets'),
      page('Several interfaces', '/interfaces'),
      page('VLAN and bond', '/ifacer'),
      page('ipvlan and SR-IOV', '/other-plugins'),
      page('coordinator', '/coordinator'),
      page('Multus', '/multus'),
      page('podman, without Kubernetes', '/podman'),
      page('Standalone API server', '/standalone'),
    ],
  },
  {
    text: 'Operations',
    items: [
      page('Operations', '/operations'),
      page('Console', '/console'),
      page('Troubleshooting', '/troubleshooting'),
      page('FAQ', '/faq'),
      page('Security', '/security'),
      page('Compatibility', '/compatibility'),
      page('Benchmarks', '/benchmarks'),
      page('Scale', '/scale'),
    ],
  },
  {
    text: 'Reference',
    items: [
      page('Keys of confs', '/conf'),
      page('Error codes', '/errors'),
      page('spiderpoolctl', '/cli'),
      page('Controller', '/controller'),
      page('Node agent', '/agent'),
      page('How executables find the agent', '/agent-client'),
      page('Requests to the API server', '/requests'),
      page('Upstream issues fixed here', '/repairs'),
      page('Glossary', '/glossary'),
    ],
  },
]

const CHINESE = [
  {
    text: '开始',
    items: [
      page('快速开始', '/zh/quickstart'),
      page('安装', '/zh/install'),
      page('故障排查', '/zh/troubleshooting'),
      page('常见问题', '/zh/faq'),
    ],
  },
  { text: '英文文档', items: [page('全部页面', '/concepts')] },
]

/** `../decisions/x.md` of docs/ is a file of the repository, and no page of the site. */
const leavesDocs = (href: string): string | undefined => /^(?:\.\.\/)+(\S*)$/.exec(href)?.[1]

export default defineConfig({
  srcDir: '../docs',
  outDir: '../dist/site',
  cacheDir: '../dist/.site-cache',
  title: 'Spiderpool',
  description: 'Underlay networking for Kubernetes: static, cluster-wide unique addresses from declared pools',
  locales: {
    root: {
      label: 'English',
      lang: 'en',
      themeConfig: { sidebar: ENGLISH, nav: [page('Quick start', '/quickstart')] },
    },
    zh: {
      label: '简体中文',
      lang: 'zh-CN',
      themeConfig: { sidebar: CHINESE, nav: [page('快速开始', '/zh/quickstart')], outline: { label: '本页目录' } },
    },
  },
  // docs/ has no node_modules above it.
  vite: {
    resolve: {
      alias: [
        { find: /^vue\/server-renderer$/, replacement: installed('vue/server-renderer/index.mjs') },
        { find: /^vue$/, replacement: installed('vue/index.mjs') },
      ],
    },
  },
  themeConfig: { search: { provider: 'local' }, outline: 'deep' },
  markdown: {
    config: md => {
      md.core.ruler.push('leave-docs', ({ tokens, env }) => {
        const isChinese = String((env as { relativePath?: string }).relativePath).startsWith('zh/')
        for (const token of tokens.flatMap(one => one.children ?? [])) {
          const href = token.attrGet('href')
          if (href === null || !href.startsWith('../')) continue
          // A page of zh/ names English pages by ../page.md.
          if (isChinese && /^\.\.\/[a-z-]+\.md(#.*)?$/.test(href)) continue
          const path = leavesDocs(href)
          if (path !== undefined) token.attrSet('href', `${REPOSITORY}/blob/main/${path}`)
        }
      })
    },
  },
})
