/** A callback that throws must not reach amqplib, which would close the connection over it. */
export function call<T>(callback: (value: T) => void, value: T): void {
  try {
    callback(value);
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : String(error));
  }
}
