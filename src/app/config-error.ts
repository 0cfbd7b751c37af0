/** Said when flags or environment cannot be understood; its message tells what to write instead. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}
