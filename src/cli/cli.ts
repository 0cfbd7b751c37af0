/** The command line: `holdfast serve`, `holdfast replay`, `holdfast bench`. */
import { ConfigError } from '../app/serve.ts';
import { Fault } from '../base/errors.ts';
import { serveCommand } from './serve.ts';

export async function run(args: readonly string[]): Promise<void> {
  const [name, ...rest] = args;
  try {
    if (name === 'serve') return await serveCommand(rest);
    // A server is to be there at once: it loads nothing of the other commands.
    const { runProgram } = await import('./program.ts');
    await runProgram(args);
  } catch (error) {
    if (!(error instanceof ConfigError) && !(error instanceof Fault)) throw error;
    process.stderr.write(`holdfast: ${error.message}\n`);
    process.exitCode = error instanceof ConfigError ? 2 : 1;
  }
}
