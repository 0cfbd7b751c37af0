/** The part of cli-progress that is used here; the package brings no types of its own. */
declare module 'cli-progress' {
  interface BarOptions {
    readonly format?: string;
    readonly stream?: NodeJS.WritableStream;
    readonly hideCursor?: boolean;
    readonly clearOnComplete?: boolean;
    readonly fps?: number;
    /** Writes lines where the stream is no terminal, this often. */
    readonly noTTYOutput?: boolean;
    readonly notTTYSchedule?: number;
  }
  interface Preset {
    readonly format: string;
    readonly barCompleteChar: string;
    readonly barIncompleteChar: string;
  }
  class SingleBar {
    constructor(options: BarOptions, preset?: Preset);
    start(total: number, startValue: number, payload?: object): void;
    update(value: number, payload?: object): void;
    stop(): void;
  }
  const Presets: { readonly shades_classic: Preset };
  const progress: { readonly SingleBar: typeof SingleBar; readonly Presets: typeof Presets };
  export default progress;
}
