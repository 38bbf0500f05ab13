// How a label stands in the index: what an equality selector asks for. Knows nothing else.
export const labelText = (key: string, value: string): string => `${key}=${value}`
