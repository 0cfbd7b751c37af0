/** The file of a name beside one that says its `import.meta.url`, for who loads it by its address: TypeScript when running from source, and not in the built package. */
export const ownFile = (here: string, name: string): URL => new URL(`./${name}.${here.endsWith('.ts') ? 'ts' : 'js'}`, here);
