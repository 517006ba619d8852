// One error class per boundary. Messages name the field, the rule, the value received and the remedy. A fault of our
// own code starts its message with "internal:".

export class PyVisionError extends Error {
  override readonly name: string = "PyVisionError";
}
/** The user's configuration or command line. */
export class ConfigError extends PyVisionError {
  override readonly name = "ConfigError";
}
/** Model files, sampling, training. */
export class EngineError extends PyVisionError {
  override readonly name = "EngineError";
}
/** The Python tool runtime itself (not the model's code, which yields a ToolOutcome). */
export class SandboxError extends PyVisionError {
  override readonly name = "SandboxError";
}
/** Data sets, images, checkpoints on disk. */
export class DataError extends PyVisionError {
  override readonly name = "DataError";
}
/** A person or the machine asked to stop; what is saved is whole. Ends the command with exit code 130. */
export class Interrupted extends PyVisionError {
  override readonly name = "Interrupted";
}
