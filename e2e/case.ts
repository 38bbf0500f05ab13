// The type of a case of the walkthrough: a leaf, so that the cases do not import their list.
export interface Case {
  readonly name: string
  readonly says: string
  run(): Promise<void>
  /** `namespace/name` of pods that are gone and whose addresses stay allocated after the case. */
  readonly keeps?: readonly string[]
}
