// The table of commands, second part: those that change a cluster, or work on a node.
import type { CtlCommand } from './context.js'
import type { CommandOption, CommandSpec } from './spec.js'

const CNI_OPTIONS: readonly CommandOption[] = [
  { flags: '--conf <file>', about: 'the conf or conflist of a network; - is stdin' },
  { flags: '--netns <path>', about: 'the network namespace of the pod' },
  { flags: '--pod <pod>', about: 'NAMESPACE/NAME' },
  { flags: '--ifname <name>', about: 'the interface in the pod', default: 'eth0' },
  { flags: '--bin <folder>', about: 'CNI_PATH', default: '/opt/cni/bin' },
  { flags: '--result <file>', about: 'what cni add printed: the prevResult' },
  { flags: '--uid <uid>', about: 'K8S_POD_UID; read from the API server by default' },
  { flags: '--container-id <id>', about: 'CNI_CONTAINERID; made from pod and UID by default' },
]

const cniSpec = (
  verb: 'ADD' | 'CHECK' | 'DEL' | 'PLAN',
  spec: Pick<CommandSpec, 'summary' | 'about' | 'no'>,
): CommandSpec => {
  const name = verb.toLowerCase()
  return {
    ...{ path: `cni ${name}`, arguments: [], options: CNI_OPTIONS, ...spec },
    examples: [
      {
        args: `cni ${name} --conf net.conflist --netns /run/netns/x --pod default/web-0${verb === 'CHECK' ? ' --result result.json' : ''}`,
        about: 'on the node',
      },
    ],
    load: async () => (await import('./cni/command.js')).cni(verb) as CtlCommand,
  }
}

export const CHANGES: readonly CommandSpec[] = [
  {
    path: 'reserve',
    arguments: [{ name: '<range>', about: 'an IP address, a range first-last, or a CIDR' }],
    summary: 'Reserves addresses, so that no pod gets them',
    about:
      'Makes a SpiderReservedIP, or extends the one of this name. Addresses of it that pods have are shown; they stay theirs, and are reserved once they are released.',
    options: [
      { flags: '--name <name>', about: 'the SpiderReservedIP; spiderpoolctl-ipv4 or spiderpoolctl-ipv6 by default' },
    ],
    examples: [
      { args: 'reserve 172.18.30.200-172.18.30.209 --name printers', about: 'ten addresses' },
      { args: 'reserve 172.18.31.0/28', about: 'sixteen addresses' },
    ],
    no: 'never',
    load: async () => (await import('./reserve/command.js')).reserve as CtlCommand,
  },
  {
    path: 'gc',
    arguments: [],
    summary: 'Shows which addresses the controller would reclaim, and why',
    about:
      "The decision is the controller's own, with the settings of its Deployment and conf.yml, on one reading of the cluster. GRACE is how long the controller sees the reason before it reads pod and owner again and releases the address. Changes nothing.",
    options: [{ flags: '--dry-run', about: 'must be given' }],
    examples: [{ args: 'gc --dry-run', about: 'the whole cluster' }],
    no: 'an address would be reclaimed',
    load: async () => (await import('./gc/command.js')).gc as CtlCommand,
  },
  {
    path: 'pool drain',
    arguments: [{ name: '<pool>', about: 'the name of a SpiderIPPool' }],
    summary: 'Disables a pool and shows who still has its addresses',
    about:
      'Sets spec.disable: no further pod gets an address of the pool, and running pods keep theirs. To undo it: kubectl patch spiderippool NAME --type merge -p \'{"spec":{"disable":false}}\'.',
    options: [
      { flags: '--wait', about: 'wait until no address is left' },
      { flags: '--timeout <duration>', about: 'with --wait: how long, as in 90s, 10m, 1h', default: '10m' },
    ],
    examples: [
      { args: 'pool drain ippool-old', about: 'who is left' },
      { args: 'pool drain ippool-old --wait --timeout 1h', about: 'wait for an hour' },
    ],
    no: 'addresses are left',
    load: async () => (await import('./drain/command.js')).poolDrain as CtlCommand,
  },
  {
    path: 'quarantine lift',
    arguments: [{ name: '<address>', about: 'an IP address' }],
    summary: 'Ends the quarantine of an address, after showing its evidence',
    about:
      'Shows the MAC address that answered, since when, and which node saw it; then deletes the SpiderIPAddress if it is unchanged since it was read, and writes an Event of the pool. The next ADD that tries the address probes the network again. An address that a node has in its status stays.',
    options: [{ flags: '--force', about: 'also an address that a node has in its status' }],
    examples: [{ args: 'quarantine lift 172.18.30.139', about: 'once the other host is gone' }],
    no: 'the address is not in quarantine, or stays in it',
    load: async () => (await import('./quarantine/command.js')).quarantineLift as CtlCommand,
  },
  {
    path: 'migrate',
    arguments: [{ name: '<source>', about: 'whereabouts, host-local, or spiderpool-go' }],
    summary: 'Takes over what another IPAM has allocated',
    about:
      'Makes a SpiderIPPool, disabled, for each range of the source, a SpiderIPAddress for each address of a living pod, and a SpiderReservedIP for addresses whose pod is not known. Prints the plan; --apply writes it. It leaves the source as it is and may be run again. host-local keeps files: run it on each node. See docs/migrate.md.',
    options: [
      { flags: '--apply', about: 'write the objects' },
      { flags: '--dir <folder>', about: 'host-local: its data; /var/lib/cni/networks by default' },
      { flags: '--conf-dir <folder>', about: 'host-local: confs of networks; /etc/cni/net.d by default' },
      { flags: '--network <name>', about: 'host-local: this network only' },
      { flags: '--node <name>', about: 'host-local: only pods of this node, where nodes use one range' },
    ],
    examples: [
      { args: 'migrate whereabouts', about: 'what would be written' },
      { args: 'migrate whereabouts --apply', about: 'write it' },
    ],
    no: 'something cannot be migrated',
    load: async () => (await import('./migrate/command.js')).migrate as CtlCommand,
  },
  {
    path: 'bundle',
    arguments: [],
    summary: 'Makes a support archive without secrets',
    about:
      "A .tar.gz with every object of Spiderpool's kinds, networks, nodes, Events, versions, workloads, and the logs of controller and agents; with --node also the CNI logs and confs of this node. Tokens, keys, certificates and passwords are redacted by name and by form; Secrets and kubeconfigs are not read. What could not be read is in missing.txt.",
    options: [
      { flags: '-f, --file <file>', about: 'the archive; spiderpool-bundle-TIME.tar.gz by default' },
      { flags: '--node', about: 'with logs and confs of this node' },
      { flags: '--log-dir <folder>', about: '/var/log/spidernet by default' },
      { flags: '--conf-dir <folder>', about: '/etc/cni/net.d by default' },
    ],
    examples: [
      { args: 'bundle', about: 'the cluster' },
      { args: 'bundle --node -f node-1.tar.gz', about: 'and this node' },
    ],
    no: 'never',
    load: async () => (await import('./bundle/command.js')).bundle as CtlCommand,
  },
  cniSpec('ADD', {
    summary: 'Calls the executables of a conf with ADD, as Multus does',
    about:
      'Each plugin gets the result of the one before; the last result is printed. After a failure all of them get a DEL. Run it on the node, as root.',
    no: 'a plugin fails',
  }),
  cniSpec('CHECK', {
    summary: 'Calls the executables of a conf with CHECK',
    about: 'Needs --result. Run it on the node, as root.',
    no: 'something differs from what ADD set up',
  }),
  cniSpec('DEL', {
    summary: 'Calls the executables of a conf with DEL',
    about:
      'In reverse order, past failures. The address of a living pod is kept for its next sandbox. Run it on the node, as root.',
    no: 'a plugin fails',
  }),
  cniSpec('PLAN', {
    summary: 'Shows what ADD would do, without doing it',
    about:
      'What each executable prints with --plan, and for the IPAM the trace of the pod. The coordinator plans from the result of the plugin before it: give --result for a pod that has its interface.',
    no: 'a plugin would fail, or has no plan',
  }),
]
