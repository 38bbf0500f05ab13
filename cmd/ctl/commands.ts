// The table of commands: names, arguments, options, examples. Help, completion and
// docs/cli.md are made from it. A command's code is loaded when it runs.
import { CHANGES } from './changes.js'
import type { CtlCommand } from './context.js'
import { FORMATS } from './output.js'
import type { CommandOption, CommandSpec } from './spec.js'

export type { CommandOption, CommandSpec } from './spec.js'

export const GLOBAL_OPTIONS: readonly CommandOption[] = [
  { flags: '--kubeconfig <file>', about: 'else KUBECONFIG, ~/.kube/config, pod, node' },
  { flags: '--context <name>', about: 'context of the kubeconfig' },
  { flags: '-n, --namespace <name>', about: 'namespace of pods that are named without one' },
  { flags: '-o, --output <format>', about: 'output format', choices: FORMATS, default: 'table' },
]

/** Words that begin several commands, and what these are about. */
export const GROUPS: Readonly<Record<string, string>> = {
  pool: 'Pools: their use, their addresses, overlaps',
  trace: 'Explains the addresses of a pod',
  quarantine: 'Addresses that other hosts answered for',
  cni: 'Calls the CNI executables, on a node',
}

export const COMMANDS: readonly CommandSpec[] = [
  {
    path: 'who',
    arguments: [{ name: '<what>', about: 'an IP address, pod/NAMESPACE/NAME, or a MAC address' }],
    summary: 'Shows who has an address, what a pod or MAC has',
    about:
      'An address without a holder is shown with the reason: free, reserved, excluded, quarantined, recorded by a Go agent, or in no pool; and with the last Event that says that the controller reclaimed it. A release by the DEL of its own pod leaves no Event. MAC addresses are those of the records and of the annotation that Multus writes.',
    examples: [
      { args: 'who 172.18.30.138', about: 'the pod of an address' },
      { args: 'who pod/default/web-0', about: 'the addresses of a pod' },
      { args: 'who 0a:1b:ac:12:1e:8a', about: 'the pod, or the quarantined addresses, of a MAC address' },
    ],
    no: 'no pod holds the address, the pod holds none, or the MAC address is of no pod',
    load: async () => (await import('./who/command.js')).who,
  },
  {
    path: 'pool list',
    arguments: [],
    summary: 'Lists pools with their use',
    about:
      'TAKEN is the share that no new pod can get: used, reserved, quarantined and recorded by Go agents. TOTAL counts the addresses that a pod can use, without excludeIPs, gateway, network and broadcast address.',
    examples: [
      { args: 'pool list', about: 'every pool' },
      { args: 'pool list -o json', about: 'the same for a script' },
    ],
    no: 'never',
    load: async () => (await import('./pool/command.js')).poolList,
  },
  {
    path: 'pool show',
    arguments: [{ name: '<pool>', about: 'the name of a SpiderIPPool' }],
    summary: 'Shows the addresses of a pool as a map, who holds most, and the next free ones',
    about:
      'A cell of the map is an address, or several in a pool of more than 1,024. The rate is that of the address objects of the last hour that still exist.',
    examples: [{ args: 'pool show ippool-test', about: 'one pool' }],
    no: 'never',
    load: async () => (await import('./pool/command.js')).poolShow,
  },
  {
    path: 'pool overlap',
    arguments: [],
    summary: 'Finds addresses that two hosts may get',
    about:
      'Compares pools and SpiderSubnets with one another by the rules of admission, and pools with the addresses of nodes, the Service CIDRs and the CIDRs of the overlay network.',
    examples: [{ args: 'pool overlap', about: 'the whole cluster' }],
    no: 'something overlaps',
    load: async () => (await import('./pool/command.js')).poolOverlap,
  },
  {
    path: 'trace pod',
    arguments: [{ name: '[pod]', about: 'NAMESPACE/NAME' }],
    summary: 'Shows why a pod has no address, or these',
    about:
      'Runs the ADD of each interface on the live cluster without its writes: the sources of pool names in their order, each candidate pool with the rule that drops it and its free addresses, what the ADD gives or why it fails, the phase of the SpiderCoordinator, the last Event about the network of the pod with its remedy, and log lines of its node, if run there.',
    options: [
      { flags: '--as <file>', about: 'manifest of a Pod or its controller; - is stdin' },
      { flags: '--node <name>', about: 'with --as: the node that the pod would be on' },
      { flags: '--log-dir <folder>', about: 'logs on its node; /var/log/spidernet by default' },
    ],
    examples: [
      { args: 'trace pod default/web-0', about: 'a pod of the cluster' },
      { args: 'trace pod --as pod.yaml --node worker-1', about: 'what would happen' },
    ],
    no: 'an interface of the pod gets no address',
    load: async () => (await import('./trace/command.js')).tracePod as CtlCommand,
  },
  {
    path: 'console',
    arguments: [],
    summary: 'Serves a read-only page on this machine',
    about:
      'Prints its address: 127.0.0.1 and a free port. The page shows pools with their use, the address map of a pool, the holder and Events of an address, and the trace of a pod; it follows the cluster. It has the rights of this user, answers GET only, and is open to every user of this machine until Ctrl-C.',
    options: [{ flags: '--port <port>', about: 'a port; a free one by default' }],
    examples: [
      { args: 'console', about: 'open the address that it prints' },
      { args: 'console --port 8080', about: 'the same port each time' },
    ],
    no: 'never',
    load: async () => (await import('./console/command.js')).console as CtlCommand,
  },
  {
    path: 'doctor',
    arguments: [],
    summary: 'Finds what is wrong, and says what mends it',
    about:
      'In the cluster: CRDs and their versions, webhooks with their endpoints and certificates, the leader, an agent on each node, SpiderCoordinator, networks that name pools that do not exist, pools that no pod can use, overlaps. With --node, as root on a node: executables, CNI confs, trust in the kubeconfig, the socket of the agent, sysctls, rules, masters and their MTU, MAC addresses, network namespaces, NetworkManager, the last errors of the logs. It writes nothing: whether webhooks answer is tried with a dry run. What may not be read is named, and the rest is shown.',
    options: [{ flags: '--node', about: 'look at this node too' }],
    examples: [
      { args: 'doctor', about: 'the cluster' },
      { args: 'doctor --node', about: 'the cluster and this node' },
    ],
    no: 'something is wrong',
    load: async () => (await import('./doctor/command.js')).doctor as CtlCommand,
  },
  {
    path: 'check',
    arguments: [],
    summary: 'Finds and repairs what differs between objects',
    about:
      'Prints the differences as a plan. A second look, some seconds later, must find each again. With --node the kernel of this node is compared too. --repair asks, reads the objects again and writes with their UID and resourceVersion, an Event each; what a pod uses by then is not released.',
    options: [
      { flags: '--repair', about: 'mend what can be mended' },
      { flags: '--yes', about: 'with --repair: do not ask' },
      { flags: '--node [name]', about: 'this node too; its name, if not the host name' },
      { flags: '--settle <seconds>', about: 'time between the two looks; default 10' },
      { flags: '--unrecorded <seconds>', about: 'age of an unrecorded address; default 240' },
    ],
    examples: [
      { args: 'check', about: 'the plan' },
      { args: 'check --repair', about: 'the plan, a question, and the repair' },
      { args: 'check --node worker-1', about: 'on the node, as root' },
    ],
    no: 'something differs, or is left after the repair',
    load: async () => (await import('./check/command.js')).check as CtlCommand,
  },
  {
    path: 'quarantine list',
    arguments: [],
    summary: 'Lists the addresses that other hosts on the network answered for',
    about:
      'An ADD does not give out such an address for a while. MAC is that of the other host, and NODE saw it. Release one with --force once that host no longer has it.',
    examples: [{ args: 'quarantine list', about: 'the whole cluster' }],
    no: 'an address is quarantined',
    load: async () => (await import('./who/command.js')).quarantineList,
  },
  {
    path: 'release',
    arguments: [{ name: '<address>', about: 'an IP address' }],
    summary: 'Releases an address whose holder is gone',
    about:
      'The pod is read first: an address that a running, starting or terminating pod may use is never released, with or without --force. The SpiderIPAddress is deleted only if it is unchanged since it was read, and the release is an Event. The controller does the same by itself; this is for a cluster without one.',
    options: [
      {
        flags: '--force',
        about: 'also in quarantine, of an ended pod, or kept by a StatefulSet or VM',
      },
    ],
    examples: [
      { args: 'release 172.18.30.138', about: 'an address of a pod that does not exist' },
      { args: 'release 172.18.30.139 --force', about: 'an address in quarantine' },
    ],
    no: 'nothing was released',
    load: async () => (await import('./release/command.js')).release as CtlCommand,
  },
  ...CHANGES,
]

/** The spec of a command. */
export const commandAt = (path: string): CommandSpec | undefined => COMMANDS.find(one => one.path === path)
