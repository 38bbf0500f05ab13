// What the demo prints: numbered steps, and what was seen in each. Knows nothing of what it tells.
let steps = 0
export const stepsSaid = (): number => steps

/** Begins a step. */
export const say = (text: string): void => console.log(`\n${++steps}. ${text}`)
export const show = (text: string): void => console.log(text.replace(/^/gm, '   '))
