// The type of a case of the walkthrough: a leaf, so that the cases do not import their list.
export interface Case {
  readonly name: string
  readonly says: string
  run(): Promise<void>
}
